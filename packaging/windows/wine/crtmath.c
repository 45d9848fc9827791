/* Wine 10 has no creal, cimag and their kin, which numpy calls when it is imported (C11 7.3.9). Windows' double complex
   is a structure of two, its long double a double. */
#define PARTS(type, end)                                                                                               \
    typedef struct { type re, im; } complex##end;                                                                      \
    __declspec(dllexport) type creal##end(complex##end z) { return z.re; }                                             \
    __declspec(dllexport) type cimag##end(complex##end z) { return z.im; }
#pragma GCC diagnostic ignored "-Wbuiltin-declaration-mismatch"
PARTS(float, f)
PARTS(double, )
PARTS(double, l)
