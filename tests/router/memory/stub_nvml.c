/* A libnvidia-ml.so.1 for tests. $HAL0_STUB_NVML names a file that is read with each call; its lines:
 *
 *   gpu <total MiB> <used MiB> <busy %> <name>      one per GPU, in order
 *   compute|graphics <gpu> <pid> <MiB>              a process; -1 MiB: NVML_VALUE_NOT_AVAILABLE, as WDDM says
 *   about <gpu> <uuid> <display 0|1> <bus bits> <memory MHz>
 *   cuda <version> <major> <minor>                  the newest CUDA, 1000 * major + 10 * minor; capability of all
 *   fail <call> <gpu> <code>                        that call on that GPU ends so; gpu -1: on all, or on none
 *
 * As in the real library GPUs are counted by nvmlInit: one that goes is lost, one that comes is not seen, until
 * the next. -DVERSION=_v2 makes the process lists those of an older driver.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef VERSION
#define VERSION _v3
#endif
#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, TOO_SMALL = 7, LOST = 15, MAX = 16 };

typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned gpu, memory; } Rates;
typedef struct { unsigned pid; unsigned long long used; unsigned gi, ci; } Process;
typedef struct { unsigned long long total, used; unsigned busy; char name[96]; } Gpu;

static unsigned counted;
static int initialised;

static int fails(const char *call, int gpu) {
    char line[256], name[64];
    int which, code, found = OK;
    FILE *file = fopen(getenv("HAL0_STUB_NVML"), "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "fail %63s %d %d", name, &which, &code) == 3 && !strcmp(name, call) && which == gpu)
            found = code;
    if (file) fclose(file);
    return found;
}

static unsigned gpus(Gpu *found) {
    char line[256];
    unsigned count = 0;
    FILE *file = fopen(getenv("HAL0_STUB_NVML"), "r");
    while (file && count < MAX && fgets(line, sizeof line, file)) {
        Gpu *g = &found[count];
        count += sscanf(line, "gpu %llu %llu %u %95[^\n]", &g->total, &g->used, &g->busy, g->name) == 4;
    }
    if (file) fclose(file);
    return count;
}

/* The GPU of a handle, or why not. */
static int find(void *handle, const char *call, Gpu *gpu) {
    Gpu all[MAX];
    unsigned index = (unsigned)(size_t)handle - 1;
    int code = fails(call, -1);
    if (!initialised) return UNINITIALIZED;
    if (code || (code = fails(call, (int)index))) return code;
    if (index >= gpus(all)) return LOST;
    *gpu = all[index];
    return OK;
}

int nvmlInitWithFlags(unsigned flags) {
    Gpu all[MAX];
    int code = fails("init", -1);
    (void)flags;
    if (code) return code;
    initialised++;
    counted = gpus(all);
    return OK;
}

int nvmlShutdown(void) {
    if (!initialised) return UNINITIALIZED;
    initialised--;
    return OK;
}

const char *nvmlErrorString(int code) { (void)code; return "an error of the stub"; }

int nvmlDeviceGetCount_v2(unsigned *count) {
    int code = fails("count", -1);
    if (!initialised) return UNINITIALIZED;
    *count = counted;
    return code;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    Gpu gpu;
    *handle = (void *)(size_t)(index + 1);
    return index < counted ? find(*handle, "handle", &gpu) : INVALID;
}

int nvmlDeviceGetName(void *handle, char *name, unsigned length) {
    Gpu gpu;
    int code = find(handle, "name", &gpu);
    if (code == OK) snprintf(name, length, "%s", gpu.name);
    return code;
}

int nvmlDeviceGetMemoryInfo(void *handle, Memory *memory) {
    Gpu gpu;
    int code = find(handle, "memory", &gpu);
    if (code) return code;
    memory->total = gpu.total << 20;
    memory->used = gpu.used << 20;
    memory->free = memory->total - memory->used;
    return OK;
}

int nvmlDeviceGetUtilizationRates(void *handle, Rates *rates) {
    Gpu gpu;
    int code = find(handle, "utilisation", &gpu);
    if (code == OK) rates->gpu = gpu.busy;
    return code;
}

static int about(void *handle, const char *call, char *uuid, unsigned *display, unsigned *bits, unsigned *mhz) {
    char line[256];
    int index, found = 3;
    Gpu gpu;
    FILE *file;
    int code = find(handle, call, &gpu);
    if (code) return code;
    file = fopen(getenv("HAL0_STUB_NVML"), "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "about %d %95s %u %u %u", &index, uuid, display, bits, mhz) == 5
            && index + 1 == (int)(size_t)handle) {
            found = OK;
            break;
        }
    if (file) fclose(file);
    return found;
}

int nvmlDeviceGetUUID(void *handle, char *uuid, unsigned length) {
    char text[96];
    unsigned display, bits, mhz;
    int code = about(handle, "uuid", text, &display, &bits, &mhz);
    if (code == OK) snprintf(uuid, length, "%s", text);
    return code;
}

int nvmlDeviceGetDisplayActive(void *handle, unsigned *active) {
    char text[96];
    unsigned bits, mhz;
    return about(handle, "display", text, active, &bits, &mhz);
}

int nvmlDeviceGetMemoryBusWidth(void *handle, unsigned *width) {
    char text[96];
    unsigned display, mhz;
    return about(handle, "bus", text, &display, width, &mhz);
}

int nvmlDeviceGetMaxClockInfo(void *handle, unsigned kind, unsigned *clock) {
    char text[96];
    unsigned display, bits;
    return kind == 2 ? about(handle, "clock", text, &display, &bits, clock) : INVALID;
}

static int cuda(int *version, int *major, int *minor) {
    char line[256];
    int found = 0;
    FILE *file = fopen(getenv("HAL0_STUB_NVML"), "r");
    while (file && fgets(line, sizeof line, file))
        found |= sscanf(line, "cuda %d %d %d", version, major, minor) == 3;
    if (file) fclose(file);
    return found ? OK : INVALID;
}

int nvmlSystemGetCudaDriverVersion(int *version) {
    int major, minor;
    return initialised ? cuda(version, &major, &minor) : UNINITIALIZED;
}

int nvmlDeviceGetCudaComputeCapability(void *handle, int *major, int *minor) {
    Gpu gpu;
    int version, code = find(handle, "capability", &gpu);
    return code ? code : cuda(&version, major, minor);
}

static int processes(const char *kind, void *handle, unsigned *count, Process *found) {
    char line[256], name[64];
    int index, room = (int)*count;
    long long mib;
    unsigned pid;
    Gpu gpu;
    FILE *file;
    int code = find(handle, kind, &gpu);
    if (code) return code;
    *count = 0;
    file = fopen(getenv("HAL0_STUB_NVML"), "r");
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "%63s %d %u %lld", name, &index, &pid, &mib) != 4 || strcmp(name, kind)) continue;
        if (index + 1 != (int)(size_t)handle) continue;
        if (found && (int)*count < room)
            found[*count] = (Process){pid, mib < 0 ? ~0ULL : (unsigned long long)mib << 20, ~0U, ~0U};
        ++*count;
    }
    if (file) fclose(file);
    return *count && (!found || (int)*count > room) ? TOO_SMALL : OK;
}

int JOIN(nvmlDeviceGetComputeRunningProcesses, VERSION)(void *handle, unsigned *count, Process *found) {
    return processes("compute", handle, count, found);
}

int JOIN(nvmlDeviceGetGraphicsRunningProcesses, VERSION)(void *handle, unsigned *count, Process *found) {
    return processes("graphics", handle, count, found);
}
