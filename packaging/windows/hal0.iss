; Inno Setup 6: the installer of dist\hal0 for one person, without an administrator. Built by
;   iscc /DVersion=0.1.0 packaging\windows\hal0.iss
; Under Wine `make test-setup` builds it, installs, upgrades and removes; a release is built on Windows.

#ifndef Version
  #error Say which version this is: /DVersion=0.1.0
#endif

[Setup]
AppId={{7B1C3A52-5C1E-4C57-9B83-2F4D0A6C0A10}
AppName=hal0
AppVersion={#Version}
AppPublisher=The hal0 authors
DefaultDirName={code:DefaultDir}
DefaultGroupName=hal0
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
ChangesEnvironment=yes
; hal0 itself is ended and started again by code below; this is about others that have a file of it open.
CloseApplications=yes
RestartApplications=no
LicenseFile=..\..\LICENSE
SetupIconFile=..\..\build\hal0\hal0.ico
UninstallDisplayIcon={app}\hal0.exe
OutputDir=..\..\dist
OutputBaseFilename=hal0-{#Version}-windows-x86_64-setup
Compression=lzma2/max
SolidCompression=yes
WizardStyle=modern

[Tasks]
Name: "path"; Description: "Make the command `hal0` known in terminals (PATH)"
Name: "autostart"; Description: "Start hal0 when I log in"; Flags: unchecked

[InstallDelete]
; What an older version had and this one has not.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "..\..\dist\hal0\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

; What `hal0` is in terminals: they would not wait for hal0.exe, which has no console.
Source: "hal0.cmd"; DestDir: "{app}\bin"; Flags: ignoreversion

[Icons]
Name: "{group}\hal0"; Filename: "{app}\hal0.exe"; AppUserModelID: "io.github.hal0"

[Registry]
; The same value that hal0's own setting writes (app/system/platforms/windows.py).
Root: HKCU; Subkey: "Software\Microsoft\Windows\CurrentVersion\Run"; ValueType: string; ValueName: "hal0"; \
    ValueData: """{app}\hal0.exe"" tray --hidden"; Tasks: autostart
Root: HKA; Subkey: "{code:EnvironmentKey}"; ValueType: expandsz; ValueName: "Path"; \
    ValueData: "{olddata};{app}\bin"; Tasks: path; Check: IsNotOnPath

[Run]
Filename: "{app}\hal0.exe"; Parameters: "tray --hidden"; Flags: nowait; Check: WasInTray
Filename: "{app}\hal0.exe"; Description: "Start hal0"; Flags: postinstall nowait skipifsilent; Check: not WasInTray

[UninstallRun]
; What it keeps of conversations is nobody's business afterwards.
Filename: "{app}\hal0-cli.exe"; Parameters: "forget"; Flags: runhidden; RunOnceId: "Forget"

[UninstallDelete]
Type: filesandordirs; Name: "{app}\_internal"

[Code]
const
  RunKey = 'Software\Microsoft\Windows\CurrentVersion\Run';
  { The rights to ask for a process's program, to wait for its end and to end it. }
  ProcessRights = $101001;
  QueryEndSession = $11;
  EndSession = $16;
  CloseApp = 1;
  AbortIfHung = 2;
  PatienceMs = 20000;
  MostProcesses = 4096;

var
  InTray: Boolean;

function EnumProcesses(Ids: Longword; Size: DWORD; var Written: DWORD): BOOL;
  external 'EnumProcesses@psapi.dll stdcall';
function OpenProcess(Rights: DWORD; Inherits: BOOL; Id: DWORD): THandle;
  external 'OpenProcess@kernel32.dll stdcall';
function QueryFullProcessImageName(Process: THandle; Flags: DWORD; Name: String; var Size: DWORD): BOOL;
  external 'QueryFullProcessImageNameW@kernel32.dll stdcall';
function WaitForSingleObject(Process: THandle; Milliseconds: DWORD): DWORD;
  external 'WaitForSingleObject@kernel32.dll stdcall';
function TerminateProcess(Process: THandle; Code: DWORD): BOOL;
  external 'TerminateProcess@kernel32.dll stdcall';
function CloseHandle(Process: THandle): BOOL;
  external 'CloseHandle@kernel32.dll stdcall';
function LocalAlloc(Flags, Size: DWORD): Longword;
  external 'LocalAlloc@kernel32.dll stdcall';
function LocalFree(Memory: Longword): Longword;
  external 'LocalFree@kernel32.dll stdcall';
procedure ReadNumber(var Number: DWORD; Source, Size: Longword);
  external 'RtlMoveMemory@kernel32.dll stdcall';
function NextWindow(Parent, After: HWND; ClassName, Title: Longword): HWND;
  external 'FindWindowExW@user32.dll stdcall';
function ProcessOfWindow(Window: HWND; var Id: DWORD): DWORD;
  external 'GetWindowThreadProcessId@user32.dll stdcall';
function SendWithin(Window: HWND; Message: UINT; WParam, LParam: Longint; Flags, Milliseconds: UINT;
  var Answer: DWORD): Longint;
  external 'SendMessageTimeoutW@user32.dll stdcall';

function ProgramOf(Process: THandle): String;
var
  Size: DWORD;
begin
  Size := 1024;
  SetLength(Result, Size);
  if QueryFullProcessImageName(Process, 0, Result, Size) then
    SetLength(Result, Size)
  else
    Result := '';
end;

{ As Windows tells programs that the session ends, which hal0 heeds, windows hidden or not; closing its window
  would hide it. }
procedure TellWindows(Process, Message: DWORD; Flag: Longint);
var
  Window: HWND;
  Owner, Answer: DWORD;
begin
  Window := NextWindow(0, 0, 0, 0);
  while Window <> 0 do
  begin
    ProcessOfWindow(Window, Owner);
    if Owner = Process then
      SendWithin(Window, Message, Flag, CloseApp, AbortIfHung, PatienceMs, Answer);
    Window := NextWindow(0, Window, 0, 0);
  end;
end;

{ One without windows (a `hal0 serve`) is ended at once: Windows ends its engines with it. }
procedure EndIfOurs(Id: DWORD);
var
  Process: THandle;
  Name: String;
begin
  Process := OpenProcess(ProcessRights, False, Id);
  if Process = 0 then
    exit;
  Name := ProgramOf(Process);
  if CompareText(ExtractFileDir(Name), ExpandConstant('{app}')) = 0 then
    if Pos('hal0', Lowercase(ExtractFileName(Name))) = 1 then
    begin
      if CompareText(ExtractFileName(Name), 'hal0.exe') = 0 then
      begin
        InTray := True;
        TellWindows(Id, QueryEndSession, 0);
        TellWindows(Id, EndSession, 1);
        WaitForSingleObject(Process, PatienceMs);
      end;
      TerminateProcess(Process, 1);
      WaitForSingleObject(Process, PatienceMs);
    end;
  CloseHandle(Process);
end;

procedure EndRunning;
var
  Ids: Longword;
  Size, Place, Id: DWORD;
begin
  Ids := LocalAlloc(0, 4 * MostProcesses);
  if EnumProcesses(Ids, 4 * MostProcesses, Size) then
  begin
    Place := 0;
    while Place < Size do
    begin
      ReadNumber(Id, Ids + Place, 4);
      EndIfOurs(Id);
      Place := Place + 4;
    end;
  end;
  LocalFree(Ids);
end;

function WasInTray: Boolean;
begin
  Result := InTray;
end;

function PrepareToInstall(var NeedsRestart: Boolean): String;
begin
  EndRunning;
  Result := '';
end;

{ Where Windows knows no such folder of a person's (Wine), what it is by default. }
function DefaultDir(Param: String): String;
begin
  try
    Result := ExpandConstant('{autopf}\hal0');
  except
    Result := GetEnv('LOCALAPPDATA') + '\Programs\hal0';
  end;
end;

function EnvironmentKey(Param: String): String;
begin
  if IsAdminInstallMode then
    Result := 'SYSTEM\CurrentControlSet\Control\Session Manager\Environment'
  else
    Result := 'Environment';
end;

function OldPath: String;
begin
  if not RegQueryStringValue(HKA, EnvironmentKey(''), 'Path', Result) then
    Result := '';
end;

function IsNotOnPath: Boolean;
begin
  Result := Pos(';' + Uppercase(ExpandConstant('{app}\bin')) + ';', ';' + Uppercase(OldPath) + ';') = 0;
end;

procedure RemoveFromPath;
var
  Path, Ours: String;
  Place: Integer;
begin
  Path := OldPath;
  Ours := ';' + ExpandConstant('{app}\bin');
  Place := Pos(Uppercase(Ours) + ';', Uppercase(Path) + ';');
  if Place > 0 then
  begin
    Delete(Path, Place, Length(Ours));
    RegWriteExpandStringValue(HKA, EnvironmentKey(''), 'Path', Path);
  end;
end;

function IsAskedToPurge: Boolean;
var
  Place: Integer;
begin
  Result := False;
  for Place := 1 to ParamCount do
    Result := Result or (CompareText(ParamStr(Place), '/PURGE') = 0);
  if not Result and not UninstallSilent then
    Result := MsgBox('Delete your settings, and the models and engines that hal0 fetched, too?', mbConfirmation,
      MB_YESNO or MB_DEFBUTTON2) = IDYES;
end;

procedure DeleteOwnFolder(Above: String);
begin
  if Above <> '' then
    DelTree(Above + '\hal0', True, True, True);
end;

{ However it was switched on, nothing that starts hal0 at login is left. Models and logs of a person are in
  %LOCALAPPDATA%\hal0, settings in %APPDATA%\hal0, and stay unless the person wants them gone. }
procedure CurUninstallStepChanged(CurUninstallStep: TUninstallStep);
var
  Command: String;
begin
  if CurUninstallStep = usPostUninstall then
    if IsAskedToPurge then
    begin
      DeleteOwnFolder(GetEnv('LOCALAPPDATA'));
      DeleteOwnFolder(GetEnv('APPDATA'));
    end;
  if CurUninstallStep <> usUninstall then
    exit;
  EndRunning;
  if RegQueryStringValue(HKCU, RunKey, 'hal0', Command) then
    if Pos(Uppercase(ExpandConstant('{app}')), Uppercase(Command)) > 0 then
      RegDeleteValue(HKCU, RunKey, 'hal0');
  RemoveFromPath;
end;
