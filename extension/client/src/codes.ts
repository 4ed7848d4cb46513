// Made by packaging/make_extension_tables.py from the daemon's own tables: do not edit.

/** Every error: what it says, what to do, and whether the same may succeed later. */
export const CODES = {
  "already_running": {
    "fix": "stop it with `edged shutdown`, where XDG_RUNTIME_DIR is as it was for it; or use another EDGED_HOME",
    "retryable": false,
    "what": "Another daemon owns this home."
  },
  "bad_media": {
    "fix": "give a wav, flac, mp3, ogg/opus, m4a or mp4 file with an audio track; a JPEG or PNG as a picture",
    "retryable": false,
    "what": "The file or the bytes hold no audio, or no picture, that can be decoded."
  },
  "bad_request": {
    "fix": "compare the request with PROTOCOL.md",
    "retryable": false,
    "what": "The request itself is wrong: a field, a frame count, a number out of range."
  },
  "busy": {
    "fix": "try again later; `retry_after_ms` in the details is a hint",
    "retryable": true,
    "what": "A bound was reached; the work was refused, not queued."
  },
  "cancelled": {
    "fix": "send the request again if it is still wanted",
    "retryable": false,
    "what": "The work was cancelled, by the client or because the client is gone."
  },
  "config_error": {
    "fix": "correct config.toml or the EDGED_* variable; docs/CONFIG.md lists all settings",
    "retryable": false,
    "what": "The configuration cannot be read or holds a value out of range."
  },
  "conflict": {
    "fix": "look at its state first",
    "retryable": false,
    "what": "The thing is in a state in which this cannot be done."
  },
  "corrupt_model": {
    "fix": "reinstall the package, or copy the file again, and check its sha256",
    "retryable": false,
    "what": "A model's file differs from its manifest's hash, or the engine refuses it."
  },
  "daemon_down": {
    "fix": "start it with `edged serve`, or drop --no-start",
    "retryable": true,
    "what": "No daemon answers at the socket."
  },
  "deadline": {
    "fix": "give a larger deadline_ms",
    "retryable": true,
    "what": "The request's deadline passed before it was answered."
  },
  "denied": {
    "fix": "run the command as the owner of the daemon: `sudo -u OWNER edged ...`",
    "retryable": false,
    "what": "The caller may not do that, or the file may not be read."
  },
  "device_busy": {
    "fix": "close the program that uses it, or record through a sound server, which shares it",
    "retryable": true,
    "what": "Another program has the device for itself."
  },
  "device_missing": {
    "fix": "plug it in, or choose another one: `edged devices` lists what is there",
    "retryable": true,
    "what": "No such microphone, loopback or other device is there now."
  },
  "device_refused": {
    "fix": "`edged devices` shows what it gives; ask for that, or record through a sound server",
    "retryable": false,
    "what": "The device does not give audio or pictures as it was asked for: rate, channels, size."
  },
  "disk_full": {
    "fix": "free space, or delete recordings with `edged recordings delete`",
    "retryable": true,
    "what": "The disk is full: nothing was written, reading goes on."
  },
  "engine_missing": {
    "fix": "install the extra, for example: pip install 'edged[speech]'",
    "retryable": false,
    "what": "The engine's package is not installed."
  },
  "host_not_registered": {
    "fix": "run `edged browser install`, then `edged browser doctor` shows what the browser finds",
    "retryable": false,
    "what": "The browser knows no native-messaging host of this name, or cannot start it."
  },
  "internal": {
    "fix": "look into the daemon's log; if it happens again, report it",
    "retryable": false,
    "what": "A defect of ours; the log holds the traceback."
  },
  "key_missing": {
    "fix": "see docs/KEYS.md: key file, credential, passphrase file or recovery code",
    "retryable": false,
    "what": "No key can be found for a store that exists, or a wrapped key has no passphrase."
  },
  "licence_required": {
    "fix": "accept the licence on the model's page, then give a token: HF_TOKEN or --token-file",
    "retryable": false,
    "what": "The model's licence has to be accepted at its source, or the token does not open it."
  },
  "model_missing": {
    "fix": "`edged models list` shows what can be used and what is missing",
    "retryable": false,
    "what": "The model is unknown, or its files are not on this machine."
  },
  "no_audio": {
    "fix": "send chunks by `sessions.append`, or look at the device with `edged devices`",
    "retryable": false,
    "what": "A session ended without any audio."
  },
  "no_frames": {
    "fix": "send frames by `sessions.frame`, or look at the device with `edged devices`",
    "retryable": false,
    "what": "A session ended without any frame."
  },
  "not_found": {
    "fix": "list them first",
    "retryable": false,
    "what": "No recording, job, folder or request with that id."
  },
  "not_kept": {
    "fix": "transcribe with keep_audio, or put the original file back",
    "retryable": false,
    "what": "The recording's audio was not kept, or its original file is gone or changed."
  },
  "not_paired": {
    "fix": "ask with `pair`, then approve it: `edged clients list`, `edged clients approve ID`",
    "retryable": false,
    "what": "The client was never approved, or its grants were denied, revoked or ran out."
  },
  "origin_denied": {
    "fix": "run `edged browser install --extension-id ID` with the id that the browser shows",
    "retryable": false,
    "what": "The host's manifest does not name this extension, or a policy of the browser forbids it."
  },
  "permission_denied": {
    "fix": "let the daemon's user do it: groups `audio`, `video` on Linux, Privacy settings elsewhere",
    "retryable": false,
    "what": "The system does not let the daemon listen, or look."
  },
  "portaudio_missing": {
    "fix": "install it: `apt install libportaudio2`, or your system's package of PortAudio 19",
    "retryable": false,
    "what": "The library that reaches sound devices is not installed."
  },
  "quarantined": {
    "fix": "see `edged health` for the reason; `edged models load ID` tries again",
    "retryable": false,
    "what": "The model's worker failed too often and is not started again for a while."
  },
  "sandboxed_browser": {
    "fix": "allow its portal for native messaging, or use the distribution's own package of it",
    "retryable": false,
    "what": "The browser runs in a Snap or Flatpak that keeps it from starting programs of the system."
  },
  "sound_server_missing": {
    "fix": "start PipeWire (with pipewire-pulse) or PulseAudio as the daemon's user",
    "retryable": true,
    "what": "What a computer plays can only be heard through PulseAudio or PipeWire, and neither answers."
  },
  "source_down": {
    "fix": "try again, what came is kept; or bring the files along and give --from FOLDER",
    "retryable": true,
    "what": "None of a file's sources gave it: no network, a server's error, a file that is gone."
  },
  "store_corrupt": {
    "fix": "restore a backup with `edged restore`; the damaged file is kept",
    "retryable": false,
    "what": "The store's file is damaged; it is left as it is."
  },
  "store_too_new": {
    "fix": "install the newer edged again, or restore an older backup",
    "retryable": false,
    "what": "The store was written by a newer edged; it is left as it is."
  },
  "too_large": {
    "fix": "send it in smaller parts, or pass a path instead of bytes",
    "retryable": false,
    "what": "A frame, a request or a file is larger than the configured bound."
  },
  "unknown_request": {
    "fix": "`describe` lists the requests of this daemon",
    "retryable": false,
    "what": "The request's type is not one this daemon knows."
  },
  "unsupported": {
    "fix": "`edged models show ID` prints what a model can do",
    "retryable": false,
    "what": "The model or the platform cannot do what was asked (a language, a sample rate)."
  },
  "unsupported_language": {
    "fix": "`edged describe` says which languages each model knows; pull a model that knows it",
    "retryable": false,
    "what": "None of the models for this task knows the language."
  },
  "untrusted": {
    "fix": "give --trust-first-use to record its hash at this pull and hold every later one to it",
    "retryable": false,
    "what": "No public source states the file's hash, and nobody said to trust what comes first."
  },
  "version_skew": {
    "fix": "restart the daemon after an upgrade: `edged shutdown`, then `edged serve`",
    "retryable": false,
    "what": "Client and daemon speak different versions of the protocol."
  },
  "worker_gone": {
    "fix": "send the request again; the worker is started anew",
    "retryable": true,
    "what": "The process that ran the model died or was stopped in the middle of the call."
  },
  "wrong_key": {
    "fix": "restore the key file that belongs to this store, or use the recovery code",
    "retryable": false,
    "what": "The key does not open the store, or the file is no store of ours."
  }
} as const;

export type Code = keyof typeof CODES;
