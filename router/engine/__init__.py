"""llama-server: finding and installing it, its command line, one running process of it.

- It runs in its **child mode** (`LLAMA_SERVER_ROUTER_PORT`): exact loading progress on stdout, a clean exit
  by an order on stdin. The protocol is internal to llama.cpp, so nothing depends on it: without it readiness
  is polled from `/health` and progress estimated from what was read.
- Its environment is scrubbed (`LLAMA_*`, user config files, the variables that hold hal0's own keys); a
  random API key per process goes through the environment, never argv.
- After ready, the process is proven to be the only listener on its port: llama-server sets SO_REUSEPORT, so a
  successful bind proves nothing.
- Stop ladder: order on stdin → SIGTERM → SIGTERM → SIGKILL of the process group, then reap.
- If hal0 is killed: PR_SET_PDEATHSIG (Linux, of the *thread* that forked it), Job Object (Windows), end of
  stdin plus a list of engines that the next start reaps (macOS).
- Connections to it are not reused: llama-server announces keep-alive after a stream and then closes.
- Its log and hal0's own are written by threads, so no disk stalls the loop.
"""
