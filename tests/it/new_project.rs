//! A project of one's own, made by `downbeat new`: with the engine and the server alone it builds,
//! passes its tests, serves its page and is load-tested; then it becomes the tutorial's duel.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::process::{Program, binary, forget_crate, free_port, get, try_get};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a workspace")
        .into()
}

/// A copy of the engine and the server, and of nothing else.
fn copy_crates(to: &Path) {
    for part in ["engine", "server", "clippy.toml"] {
        let copied = Command::new("cp")
            .arg("-r")
            .arg(root().join(part))
            .arg(to)
            .status();
        assert!(copied.expect("cp runs").success());
    }
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let lines = manifest.lines().map(|line| match line.split(' ').next() {
        Some("members") => "members = [\"engine\", \"engine/derive\", \"server\"]",
        Some("default-members") => "",
        _ => line,
    });
    let manifest: Vec<_> = lines.collect();
    fs::write(to.join("Cargo.toml"), manifest.join("\n")).expect("written");
}

fn cargo(project: &Path, arguments: &[&str]) -> Output {
    let output = crate::process::cargo()
        .args(arguments)
        .current_dir(project)
        // Shares what is built already: same versions, same profile.
        .env("CARGO_TARGET_DIR", root().join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}:\n{errors}");
    output
}

/// Builds, tests, serves and load-tests a project; answers what `/` and `/game.js` say.
fn prove(project: &Path, name: &str, tests: usize, clients: &str, rooms: &str) -> String {
    let tested = cargo(project, &["test"]);
    let tested = String::from_utf8_lossy(&tested.stdout);
    assert!(tested.contains(&format!("{tests} passed")), "{tested}");
    cargo(project, &["build"]);
    let program = root().join("target/debug/newgame");
    let port = free_port();
    let url = format!("ws://127.0.0.1:{port}");
    let server = Program::serve(&program, port);
    let bots = Command::new(&program)
        .args([
            "load",
            "--quiet",
            "--duration",
            "2s",
            "--json",
            "-",
            "--game",
            name,
        ])
        .args(["--url", &url, "--clients", clients, "--rooms", rooms])
        .output()
        .expect("it runs");
    let report = String::from_utf8_lossy(&bots.stdout);
    assert!(
        bots.status.success(),
        "{report}{}",
        String::from_utf8_lossy(&bots.stderr)
    );
    assert!(report.contains("\"view_mismatches\":0"), "{report}");
    let pages = [
        get(port, "/"),
        get(port, "/game.js"),
        get(port, "/downbeat/client.js"),
        get(port, &format!("/downbeat/types/{name}.js")),
    ];
    assert!(pages[2].contains("connect"), "the SDK is there");
    assert!(pages[3].contains("defineGame"), "and the game's types");
    drop(server);
    pages.concat()
}

#[test]
fn it_builds_plays_and_is_load_tested_with_engine_and_server_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    copy_crates(folder.path());
    assert!(!folder.path().join("client-web").exists());
    let made = Command::new(binary())
        .args(["new", "newgame", "--engine"])
        .arg(folder.path())
        .current_dir(folder.path())
        .output()
        .expect("it runs");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let project = folder.path().join("newgame");
    // The versions that the rest of the tests run with.
    fs::copy(root().join("Cargo.lock"), project.join("Cargo.lock")).expect("copied");
    let pages = prove(&project, "newgame", 2, "20", "2");
    assert!(pages.contains("the field: run with the arrow keys"));

    // Now as the tutorial says.
    let main = project.join("src/main.rs");
    let text = fs::read_to_string(&main).expect("there");
    fs::write(&main, text.replace("game::Coins", "game::Duel")).expect("written");
    for (from, to) in [
        ("tests/src/duel.rs", "src/game.rs"),
        ("tests/src/duel.html", "web/index.html"),
        ("tests/src/duel.js", "web/game.js"),
        ("tests/src/duel.css", "web/style.css"),
    ] {
        fs::copy(root().join(from), project.join(to)).expect("copied");
    }
    let pages = prove(&project, "duel", 2, "20", "10");
    assert!(pages.contains("wait for another player"));
    develop(&project);
}

/// `dev`: an edit is served, a mistake is not, and what was served goes on until it is mended.
fn develop(project: &Path) {
    let port = free_port();
    let mut dev = Command::new(root().join("target/debug/newgame"));
    forget_crate(&mut dev);
    let dev = dev
        .args([
            "dev",
            "--listen",
            &format!("127.0.0.1:{port}"),
            "--admin",
            "off",
        ])
        .current_dir(project)
        .env("CARGO_TARGET_DIR", root().join("target"))
        .env("CARGO", env!("CARGO"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let dev = Program(dev);
    let first = generation_after(port, None);
    assert!(
        get(port, "/").contains("/downbeat/dev.js"),
        "pages reload themselves"
    );
    let rules = project.join("src/game.rs");
    let text = fs::read_to_string(&rules).expect("there");
    fs::write(&rules, text.replace("from_secs(10)", "from_secs(9)")).expect("written");
    let second = generation_after(port, Some(&first));
    fs::write(&rules, "this is no Rust").expect("written");
    assert_eq!(generation_after(port, None), second, "it plays on");
    fs::write(&rules, text).expect("written");
    generation_after(port, Some(&second));
    drop(dev);
}

/// The number of the server that answers, once it is another than `before`.
fn generation_after(port: u16, before: Option<&str>) -> String {
    for _ in 0..18_000 {
        let answer = try_get(port, "/downbeat/dev").unwrap_or_default();
        if let Some((head, body)) = answer.split_once("\r\n\r\n")
            && head.starts_with("HTTP/1.1 200")
            && Some(body) != before
        {
            return body.to_owned();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no other server than {before:?} within six minutes");
}
