/* Windows' fake llama-server, where the others are shell scripts (fake_engines.py): says what lies behind it in
 * its own file, `#!fake CODE VERSION`. Given anything but --version it runs until its stdin ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

int main(int count, char **argument) {
    wchar_t path[4096];
    char tail[512] = {0}, *found = NULL;
    const char *port = getenv("LLAMA_ARG_PORT");
    int code = 1;
    if (port && *port) return 9;
    if (count < 2 || strcmp(argument[1], "--version")) {
        while (getchar() != EOF) continue;
        return 0;
    }
    GetModuleFileNameW(NULL, path, 4096);
    FILE *file = _wfopen(path, L"rb");
    if (!file || fseek(file, -400, SEEK_END)) return 2;
    size_t length = fread(tail, 1, 400, file);
    for (size_t i = 0; i + 7 < length; i++)
        if (!memcmp(tail + i, "#!fake ", 7)) found = tail + i + 7;
    if (!found) return 3;
    code = (int)strtol(found, &found, 10);
    fprintf(stderr, "version: %s\n", found + 1);
    return code;
}
