//! `downbeat paths`, the real binary: right answers, wrong ones, and mistakes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::binary;

const MAP: &str = "type octile\nheight 5\nwidth 7\nmap\n\
    .......\n\
    .@@@@@.\n\
    .@...@.\n\
    ...@...\n\
    .@.@.@T\n";

/// Problems whose lengths were counted on paper.
const SCEN: &str = "version 1\n\
    0\tsmall town.map\t7\t5\t0\t0\t6\t0\t6\n\
    0\tsmall town.map\t7\t5\t0\t0\t2\t2\t6\n\
    1\tsmall town.map\t7\t5\t2\t4\t4\t4\t6\n\
    0\tsmall town.map\t7\t5\t3\t2\t3\t2\t0\n";

/// Files in a folder of their own.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().expect("a folder"));
        desk.put("small town.map", MAP);
        desk.put("small town.map.scen", SCEN);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    /// Runs `downbeat paths` in the folder.
    fn run(&self, arguments: &[&str]) -> Said {
        run(self.0.path(), arguments)
    }

    fn check_scen(&self, more: &[&str]) -> Said {
        let mut arguments = vec!["--map", "small town.map", "--scen", "small town.map.scen"];
        arguments.extend(more);
        self.run(&arguments)
    }
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

fn run(folder: &Path, arguments: &[&str]) -> Said {
    let output = Command::new(binary())
        .arg("paths")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("it runs");
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    Said {
        code: status.code().expect("it ends by itself"),
        out: String::from_utf8(stdout).expect("text"),
        err: String::from_utf8(stderr).expect("text"),
    }
}

/// What a row of the table says.
fn row<'a>(said: &'a Said, name: &str) -> &'a str {
    let rows = said.out.lines().map(str::trim);
    let mut values = rows.filter_map(|row| row.strip_prefix(name));
    values
        .next()
        .unwrap_or_else(|| panic!("no {name} in\n{}", said.out))
        .trim()
}

#[test]
fn problems_with_right_lengths_are_all_solved() {
    let said = Desk::new().check_scen(&[]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    assert_eq!(row(&said, "problems"), "4");
    assert_eq!(row(&said, "solved"), "4");
    assert_eq!(row(&said, "wrong lengths"), "0");
    assert_eq!(row(&said, "illegal steps"), "0");
    assert!(row(&said, "tables built in").ends_with(" ms"));
    for with in ["with heuristic", "without heuristic"] {
        let times = row(&said, with);
        for name in ["median ", "p99 ", "mean ", "expansions", "paths/s"] {
            assert!(times.contains(name), "{with}: {times}");
        }
    }
}

#[test]
fn without_the_heuristic_there_are_no_tables() {
    let said = Desk::new().check_scen(&["--no-heuristic"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!said.out.contains("tables"), "{}", said.out);
    assert!(!said.out.contains("with heuristic"), "{}", said.out);
    assert!(row(&said, "without heuristic").contains("median "));
}

#[test]
fn the_json_has_its_documented_names_and_no_others() {
    let desk = Desk::new();
    let said = desk.check_scen(&["--json", "--threads", "2"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let json: Value = serde_json::from_str(&said.out).expect("one object");
    for (key, expected) in [
        ("map", Value::from("small town.map")),
        ("width", 7.into()),
        ("height", 5.into()),
        ("free", 23.into()),
        ("problems", 4.into()),
        ("solved", 4.into()),
        ("wrong_lengths", 0.into()),
        ("illegal_steps", 0.into()),
        ("threads", 2.into()),
    ] {
        assert_eq!(json[key], expected, "{key}");
    }
    let help = desk.run(&["--help"]).out;
    let documented = |name: &str| {
        let mut words = help.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        assert!(words.any(|word| word == name), "--help lacks {name}");
    };
    for (key, value) in json.as_object().expect("an object") {
        documented(key);
        value
            .as_object()
            .into_iter()
            .flatten()
            .for_each(|(key, time)| {
                documented(key);
                assert!(
                    time.as_f64().is_some_and(|time| time >= 0.0),
                    "{key}: {time}"
                );
            });
    }
    assert!(json["with_heuristic"].is_object() && json["without_heuristic"].is_object());
    let json = desk.check_scen(&["--json", "--no-heuristic"]).out;
    let json: Value = serde_json::from_str(&json).expect("one object");
    assert_eq!(
        (&json["with_heuristic"], &json["tables_ms"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn another_length_than_listed_is_wrong_and_says_which() {
    let desk = Desk::new();
    desk.put(
        "small town.map.scen",
        &SCEN.replace("2\t2\t6\n", "2\t2\t5.9\n"),
    );
    let said = desk.check_scen(&[]);
    assert_eq!((said.code, said.err.as_str()), (1, ""), "{}", said.out);
    assert_eq!(row(&said, "solved"), "4");
    assert_eq!(row(&said, "wrong lengths"), "1");
    assert!(
        said.out.contains("line 3: length 6.00000, expected 5.9"),
        "{}",
        said.out
    );
    // As much as the files round off is not wrong.
    desk.put(
        "small town.map.scen",
        &SCEN.replace("2\t2\t6\n", "2\t2\t5.995\n"),
    );
    assert_eq!(desk.check_scen(&[]).code, 0);
}

#[test]
fn a_problem_without_any_path_is_not_solved() {
    let desk = Desk::new();
    desk.put("small town.map", &MAP.replace("...@...", "@@.@.@@"));
    let said = desk.check_scen(&[]);
    assert_eq!((said.code, said.err.as_str()), (1, ""));
    assert_eq!(row(&said, "solved"), "3", "{}", said.out);
    assert!(
        said.out.contains("line 3: no path was found"),
        "{}",
        said.out
    );
}

/// Runs into a mistake, which is one line and exit code 2.
fn check_mistake(said: &Said, error: &str) {
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{}", said.err);
    assert_eq!(said.err, format!("error: {error}\n"));
}

#[test]
fn a_bad_file_is_named_with_its_line() {
    let desk = Desk::new();
    desk.put("bad.map", &MAP.replace('T', "x"));
    check_mistake(
        &desk.run(&["--map", "bad.map", "--scen", "small town.map.scen"]),
        "bad.map: line 9, column 7: 'x' is no terrain, expected one of .GS@OTW",
    );
    desk.put("bad.scen", &SCEN.replace("4\t4\t6", "4\t6"));
    check_mistake(
        &desk.run(&["--map", "small town.map", "--scen", "bad.scen"]),
        "bad.scen: line 4: the width is \"town.map\", expected 1 to 4096",
    );
    desk.put("bad.scen", "version 1\n");
    check_mistake(
        &desk.run(&["--map", "small town.map", "--scen", "bad.scen"]),
        "bad.scen: there are no problems in it",
    );
    let said = desk.run(&["--map", "none.map", "--scen", "small town.map.scen"]);
    check_mistake(
        &said,
        "cannot read none.map: No such file or directory (os error 2)",
    );
}

#[test]
fn a_problem_that_is_none_on_this_map_is_named_with_its_line() {
    let desk = Desk::new();
    desk.put(
        "small town.map.scen",
        &SCEN.replace("6\t0\t6\n", "1\t1\t6\n"),
    );
    check_mistake(
        &desk.check_scen(&[]),
        "small town.map.scen: line 2: the path's end 1,1 is blocked on this map",
    );
    let outside = SCEN.replace("7\t5\t2\t4", "9\t9\t8\t8");
    desk.put("small town.map.scen", &outside);
    check_mistake(
        &desk.check_scen(&[]),
        "small town.map.scen: line 4: the path's start 8,8 lies outside the map, which is 7 × 5; \
         the problem is for one of 9 × 9",
    );
}

#[test]
fn flags_that_make_no_sense_are_one_line() {
    let desk = Desk::new();
    for arguments in [
        &["--map", "small town.map"][..],
        &["--map", "small town.map", "--from", "0,0"],
        &["--map", "small town.map", "--to", "0,0"],
        &["--map", "small town.map", "--from", "0,0", "--to", "1"],
        &[
            "--map",
            "small town.map",
            "--scen",
            "small town.map.scen",
            "--from",
            "0,0",
            "--to",
            "1,0",
        ],
        &[
            "--map",
            "small town.map",
            "--scen",
            "small town.map.scen",
            "--threads",
            "0",
        ],
        &["--scen", "small town.map.scen"],
    ] {
        let said = desk.run(arguments);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{arguments:?}");
        assert_eq!(said.err.lines().count(), 1, "{arguments:?}: {}", said.err);
    }
    let said = desk.run(&["--map", "small town.map", "--from", "1,1", "--to", "0,0"]);
    check_mistake(&said, "--from 1,1: blocked on this map");
    let said = desk.run(&["--map", "small town.map", "--from", "0,0", "--to", "0,5"]);
    check_mistake(&said, "--to 0,5: outside the map, which is 7 × 5");
}

#[test]
fn one_path_is_told_with_its_corners_and_drawn() {
    let desk = Desk::new();
    let there = ["--map", "small town.map", "--from", "2,4"];
    let said = desk.run(&[&there[..], &["--to", "4,4", "--to", "6,0", "--draw"]].concat());
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let (told, drawn) = said.out.split_once("corners ").expect("corners");
    assert!(told.starts_with("length 6, "), "{told}");
    let (corners, drawn) = drawn.split_once('\n').expect("a drawing");
    assert_eq!(corners, "2,4 2,2 4,2 4,4");
    assert_eq!(drawn, "......G\n.#####.\n.#ooo#.\n..o#o..\n.#S#G##\n");

    let said = desk.run(&[&there[..], &["--to", "4,4", "--json"]].concat());
    let json: Value = serde_json::from_str(&said.out).expect("one object");
    assert_eq!(json["found"], true);
    assert_eq!(json["length"], 6.0);
    assert_eq!(
        json["corners"],
        serde_json::json!([[2, 4], [2, 2], [4, 2], [4, 4]])
    );
}

#[test]
fn where_there_is_no_path_the_exit_code_says_so() {
    let desk = Desk::new();
    desk.put("small town.map", &MAP.replace("...@...", "@@.@.@@"));
    let said = desk.run(&["--map", "small town.map", "--from", "0,0", "--to", "0,4"]);
    assert_eq!((said.code, said.out.as_str()), (1, "there is no path\n"));
}
