//! `downbeat dev`: build, serve, and do both again after each change of a source file.
//!
//! The old server plays on while the new one is built; a build that fails changes nothing. Pages
//! reload themselves when the server behind them is another one.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long an old server may take to let its players go.
const LEAVE_WITHIN: Duration = Duration::from_secs(3);

/// `downbeat dev`.
#[derive(Debug, clap::Args)]
pub(crate) struct DevOptions {
    /// Build with optimisation: slower to build, faster to run
    #[arg(long)]
    release: bool,
    /// What the server is started with, such as --listen
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    serve: Vec<String>,
}

/// Why there is nothing to develop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DevError {
    #[error("cargo could not be started: {0}")]
    Cargo(std::io::Error),
    #[error("no cargo project here: start `dev` in the folder of your game")]
    NoProject,
    #[error("the server could not be started: {0}")]
    Serve(std::io::Error),
}

/// When each source file was last written.
type Stamps = BTreeMap<PathBuf, SystemTime>;

/// Runs until it is interrupted.
pub(crate) fn run(options: &DevOptions) -> Result<std::convert::Infallible, DevError> {
    let watched = watched_folders()?;
    // Asked now: once the build has replaced this file, the system calls it deleted.
    let name = std::env::current_exe().unwrap_or_default();
    let name = name.file_name().unwrap_or_default();
    let mut serving: Option<Child> = None;
    loop {
        let stamps = stamps(&watched);
        let start = Instant::now();
        say("building …");
        if let Some(binary) = build(options, name)? {
            if let Some(old) = serving.take() {
                leave(old);
            }
            serving = Some(serve(&binary, &options.serve)?);
            say(&format!(
                "serving again after {:.1} s",
                start.elapsed().as_secs_f32()
            ));
        } else {
            say("the build failed; what was served before still is");
        }
        let mut told = false;
        while self::stamps(&watched) == stamps {
            std::thread::sleep(LOOK_EVERY);
            let ended = serving
                .as_mut()
                .and_then(|child| child.try_wait().ok().flatten());
            if let Some(status) = ended.filter(|_| !told) {
                say(&format!(
                    "the server ended ({status}); a change starts it again"
                ));
                told = true;
            }
        }
    }
}

/// Builds this project's binary; `None` when the compiler has objections, which it has printed.
fn build(options: &DevOptions, name: &OsStr) -> Result<Option<PathBuf>, DevError> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--message-format=json-render-diagnostics"]);
    if options.release {
        cargo.arg("--release");
    }
    let built = cargo
        .stderr(Stdio::inherit())
        .output()
        .map_err(DevError::Cargo)?;
    if !built.status.success() {
        return Ok(None);
    }
    let messages = String::from_utf8_lossy(&built.stdout);
    let mut binaries = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    Ok(binaries.rfind(|path| path.file_name() == Some(name)))
}

/// The server ends when its standard input does, so it never outlives `dev`.
fn serve(binary: &Path, arguments: &[String]) -> Result<Child, DevError> {
    Command::new(binary)
        .args(["serve", "--dev"])
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .map_err(DevError::Serve)
}

fn leave(mut old: Child) {
    drop(old.stdin.take());
    let deadline = Instant::now() + LEAVE_WITHIN;
    while Instant::now() < deadline {
        if matches!(old.try_wait(), Ok(Some(_))) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    // Its ports are needed now; an error means that it has just ended.
    let _ = old.kill();
    let _ = old.wait();
}

/// The folders of this project and of all packages that it uses by path.
fn watched_folders() -> Result<Vec<PathBuf>, DevError> {
    let metadata = Command::new("cargo")
        .args(["metadata", "--format-version=1", "--offline"])
        .stderr(Stdio::null())
        .output()
        .map_err(DevError::Cargo)?;
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap_or_default();
    let packages = metadata["packages"].as_array().ok_or(DevError::NoProject)?;
    let local = packages
        .iter()
        .filter(|package| package["source"].is_null());
    let mut folders = Vec::new();
    for package in local {
        let Some(manifest) = package["manifest_path"].as_str() else {
            continue;
        };
        let Some(folder) = Path::new(manifest).parent() else {
            continue;
        };
        // What a package is built of beyond its own folder, it says in its manifest.
        let more = package["metadata"]["downbeat"]["watch"].as_array();
        let more = more.into_iter().flatten().filter_map(Value::as_str);
        folders.extend(more.map(|path| folder.join(path)));
        folders.push(folder.to_owned());
    }
    Ok(folders)
}

fn stamps(folders: &[PathBuf]) -> Stamps {
    let mut stamps = Stamps::new();
    for folder in folders {
        stamp(folder, &mut stamps);
    }
    stamps
}

/// Hidden files and what builds write are not sources.
fn stamp(path: &Path, stamps: &mut Stamps) {
    let Ok(entries) = std::fs::read_dir(path) else {
        return;
    };
    for entry in entries.flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        let written = ["target", "node_modules", "dist", "dist-sdk", "Cargo.lock"];
        if name.starts_with('.') || written.contains(&&*name) {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => stamp(&path, stamps),
            Ok(kind) if kind.is_file() => {
                if let Ok(at) = entry.metadata().and_then(|metadata| metadata.modified()) {
                    stamps.insert(path, at);
                }
            }
            _ => {}
        }
    }
}

fn say(words: &str) {
    // Without a terminal there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "dev: {words}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_or_new_source_is_seen_and_what_builds_write_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let write = |file: &str| {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().expect("inside")).expect("a folder");
            std::fs::write(path, "x").expect("written");
        };
        write("src/main.rs");
        let watched = [root.to_owned()];
        let before = stamps(&watched);
        write("target/debug/game");
        write("web/node_modules/x.js");
        write(".git/index");
        assert_eq!(stamps(&watched), before);
        write("src/game.rs");
        assert_ne!(stamps(&watched), before);
    }
}
