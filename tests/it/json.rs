//! A client in another language, written in an hour without a library of ours: Python over
//! `downbeat.v1.json`, in the shipped arena.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::process::{Program, binary, free_port};

/// The client's only dependency, as it was tested.
const WEBSOCKETS: &str = "websockets>=13,<18";

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {errors}"))
}

/// A Python that has the library, in a folder of its own that later runs find again.
fn python() -> Result<PathBuf, String> {
    let mut folder = std::env::current_exe().map_err(|e| e.to_string())?;
    folder.pop();
    folder.pop(); // out of deps/
    let folder = folder.join("python");
    let python = folder.join("bin/python");
    let has_library = |python: &Path| {
        let import = run(Command::new(python).args(["-c", "import websockets"]));
        import.is_ok()
    };
    if !has_library(&python) {
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", WEBSOCKETS]))?;
    }
    Ok(python)
}

/// Plays a game for some seconds by turns of these inputs; answers what the client saw.
fn play(python: &Path, game: &str, seconds: u32, inputs: &Value) -> Value {
    let port = free_port();
    let _server = Program::serve(&binary(), port);
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/arena.py");
    let url = format!("ws://127.0.0.1:{port}/ws/{game}/main");
    let played = run(Command::new(python).arg(client).args([
        &url,
        "Ada",
        &seconds.to_string(),
        &inputs.to_string(),
    ]));
    let saw = played.unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_str(&saw).expect("JSON")
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn a_client_in_python_plays_the_arena_in_json() {
    let python = match python() {
        Ok(python) => python,
        Err(error) => {
            let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!is_ci, "no Python with websockets: {error}");
            eprintln!("SKIPPED: no Python with websockets: {error}");
            return;
        }
    };
    let inputs = [(127, 0), (0, 127), (-127, 0), (0, -127)];
    let inputs = inputs.map(|(dx, dy)| json!({ "dx": dx, "dy": dy, "aim": 64, "fire": true }));
    let saw = play(&python, "arena", 4, &json!(inputs));
    let count = |what: &str| saw[what].as_u64().unwrap_or(0);
    assert_eq!(saw["welcome"]["game"], "arena", "{saw}");
    assert_eq!(saw["welcome"]["name"], "Ada", "{saw}");
    assert_eq!(saw["me"]["name"], "Ada", "{saw}");
    assert_eq!(count("refused"), 0, "{saw}");
    // 30 ticks a second; it walks, and answers each frame with an input.
    assert!(count("frames") > 60, "{saw}");
    assert!(count("moved") > 30, "{saw}");
    assert!(
        count("acked") > 60 && count("acked") <= count("sent"),
        "{saw}"
    );
    assert!(saw["events"]["Shot"].as_u64() > Some(1), "{saw}");
    assert!(saw["me"]["ammo"].is_u64(), "its own secrets too: {saw}");
}
