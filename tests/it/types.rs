//! What `downbeat types` and `downbeat vectors` write for the shipped games.

use std::process::Command;

use serde_json::Value;

use crate::process::binary;

#[test]
fn every_shipped_game_has_types() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("types");
    let output = Command::new(binary())
        .arg("types")
        .arg("--out")
        .arg(&out)
        .output()
        .expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let told = String::from_utf8_lossy(&output.stdout);
    for game in ["arena", "meadow", "tag", "tally"] {
        let path = out.join(format!("{game}.ts"));
        assert!(told.contains(&path.display().to_string()), "{told}");
        let source = std::fs::read_to_string(path).expect("written");
        let line = format!("export const {game} = defineGame({{");
        assert!(source.contains(&line), "{source}");
    }
}

#[test]
fn golden_steps_of_a_game_can_be_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("steps.json");
    let output = Command::new(binary())
        .args(["vectors", "--game", "arena", "--steps", "100", "--out"])
        .arg(&out)
        .output()
        .expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let file = std::fs::read(out).expect("written");
    let file: Value = serde_json::from_slice(&file).expect("JSON");
    let steps = file["steps"].as_array().expect("a list");
    assert_eq!(steps.len(), 100);
    assert!(steps.iter().all(|step| step["entity"]["pos"].is_array()));
    assert!(file["schema"].as_u64() > Some(0));
}

#[test]
fn a_game_that_is_not_there_is_a_mistake() {
    for command in ["types", "vectors"] {
        let output = Command::new(binary())
            .args([command, "--game", "chess", "--out", "/nowhere"])
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(2));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains("--game chess: no such game"), "{errors}");
    }
}
