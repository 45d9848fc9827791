/* Windows: what is a shell script elsewhere. What it does lies behind it in its own file (running.py,
 * fake_engines.py):
 *
 *   #!fake CODE VERSION   says that version when asked for --version; else it runs until its stdin ends
 *   #!run COMMAND         runs that, in UTF-8, with its own arguments behind it, and ends as that does
 */
#include <shlwapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { MOST = 4096 };

static int run(const char *command) {
    static wchar_t line[32768];
    int length = MultiByteToWideChar(CP_UTF8, 0, command, -1, line, MOST);
    STARTUPINFOW start = {.cb = sizeof start};
    PROCESS_INFORMATION child;
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    DWORD code = 1;
    HANDLE job = CreateJobObjectW(NULL, NULL);
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    line[length - 1] = L' ';
    wcscpy(line + length, PathGetArgsW(GetCommandLineW()));
    GetStartupInfoW(&start); /* the same streams */
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &start, &child)) return 126;
    AssignProcessToJobObject(job, child.hProcess); /* who kills this one kills it */
    ResumeThread(child.hThread);
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &code);
    ExitProcess(code);
}

static int say(char *told, int count, char **argument) {
    const char *port = getenv("LLAMA_ARG_PORT");
    int code = (int)strtol(told, &told, 10);
    if (port && *port) return 9;
    if (count > 1 && !strcmp(argument[1], "--version")) {
        fprintf(stderr, "version: %s\n", told + 1);
        return code;
    }
    while (getchar() != EOF) continue;
    return 0;
}

int main(int count, char **argument) {
    static char tail[MOST + 1];
    wchar_t path[MOST];
    char *fake = NULL, *command = NULL;
    GetModuleFileNameW(NULL, path, MOST);
    FILE *file = _wfopen(path, L"rb");
    if (!file || fseek(file, -MOST, SEEK_END)) return 2;
    size_t length = fread(tail, 1, MOST, file);
    fclose(file);
    for (size_t i = 0; i + 7 < length; i++) {
        if (!memcmp(tail + i, "#!fake ", 7)) fake = tail + i + 7;
        if (!memcmp(tail + i, "#!run ", 6)) command = tail + i + 6;
    }
    return command > fake ? run(command) : fake ? say(fake, count, argument) : 3;
}
