; Inno Setup 6: the installer of dist\hal0 for one person, without an administrator. Built by
;   iscc /DVersion=0.1.0 packaging\windows\hal0.iss
; Untested: written on Linux; .github/workflows/release.yml builds it on Windows.

#ifndef Version
  #error Say which version this is: /DVersion=0.1.0
#endif

[Setup]
AppId={{7B1C3A52-5C1E-4C57-9B83-2F4D0A6C0A10}
AppName=hal0
AppVersion={#Version}
AppPublisher=The hal0 authors
DefaultDirName={autopf}\hal0
DefaultGroupName=hal0
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
ChangesEnvironment=yes
; A running hal0 is asked to close, with its engines, and is started again.
CloseApplications=yes
RestartApplications=yes
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
Filename: "{app}\hal0.exe"; Description: "Start hal0"; Flags: postinstall nowait skipifsilent

[UninstallRun]
Filename: "{sys}\taskkill.exe"; Parameters: "/IM hal0.exe"; Flags: runhidden; RunOnceId: "CloseHal0"
; What it keeps of conversations is nobody's business afterwards.
Filename: "{app}\hal0-cli.exe"; Parameters: "forget"; Flags: runhidden; RunOnceId: "Forget"

[UninstallDelete]
Type: filesandordirs; Name: "{app}\_internal"

[Code]
const
  RunKey = 'Software\Microsoft\Windows\CurrentVersion\Run';

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

{ However it was switched on, nothing that starts hal0 at login is left. Models and logs of a person are in
  %LOCALAPPDATA%\hal0, settings in %APPDATA%\hal0, and stay. }
procedure CurUninstallStepChanged(CurUninstallStep: TUninstallStep);
var
  Command: String;
begin
  if CurUninstallStep <> usUninstall then
    exit;
  if RegQueryStringValue(HKCU, RunKey, 'hal0', Command) then
    if Pos(Uppercase(ExpandConstant('{app}')), Uppercase(Command)) > 0 then
      RegDeleteValue(HKCU, RunKey, 'hal0');
  RemoveFromPath;
end;
