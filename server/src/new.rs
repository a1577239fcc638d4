//! `downbeat new NAME`: a game project of one's own, that builds, plays and tests.
//!
//! The files are in `server/template`; only the project's name and the way to the engine are
//! filled in.

use std::fs;
use std::path::{Path, PathBuf};

use crate::types::constant;

/// What stands in a new project, and where.
const FILES: [(&str, &str); 9] = [
    ("Cargo.toml", include_str!("../template/Cargo.toml.in")),
    (".gitignore", include_str!("../template/gitignore.in")),
    ("README.md", include_str!("../template/README.md.in")),
    (
        "downbeat.toml",
        include_str!("../template/downbeat.toml.in"),
    ),
    ("src/main.rs", include_str!("../template/src/main.rs.in")),
    ("src/game.rs", include_str!("../template/src/game.rs.in")),
    (
        "web/index.html",
        include_str!("../template/web/index.html.in"),
    ),
    (
        "web/style.css",
        include_str!("../template/web/style.css.in"),
    ),
    ("web/game.js", include_str!("../template/web/game.js.in")),
];

/// The folder of `downbeat-server` when this binary was built.
const BUILT_FROM: &str = env!("CARGO_MANIFEST_DIR");

/// `downbeat new`.
#[derive(Debug, clap::Args)]
pub(crate) struct NewOptions {
    /// The project's name and folder: letters, digits, `-` and `_`
    name: String,
    /// A checkout of Downbeat to depend on [default: the one this binary was built from]
    #[arg(long, value_name = "DIR", conflicts_with = "git")]
    engine: Option<PathBuf>,
    /// A git repository of Downbeat to depend on
    #[arg(long, value_name = "URL")]
    git: Option<String>,
}

/// Why there is no new project.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NewError {
    #[error("`{0}` is no name for a project: use a–z, 0–9, `-` and `_`, and start with a letter")]
    Name(String),
    #[error("{0} exists already: choose another name, or move it away")]
    Exists(PathBuf),
    #[error("no Downbeat in {0}: say where it is with --engine DIR or --git URL")]
    NoEngine(PathBuf),
    #[error("{path}: {source}")]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
}

/// Writes the project below `parent` and answers its folder.
pub(crate) fn create(parent: &Path, options: &NewOptions) -> Result<PathBuf, NewError> {
    let name = &options.name;
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.bytes().all(fits) {
        return Err(NewError::Name(name.clone()));
    }
    let (engine, server) = dependencies(options)?;
    let folder = parent.join(name);
    if folder.exists() {
        return Err(NewError::Exists(folder));
    }
    for (file, template) in FILES {
        let text = template
            .replace("{{name}}", name)
            .replace("{{constant}}", &constant(name))
            .replace("{{engine}}", &engine)
            .replace("{{server}}", &server);
        write(&folder.join(file), &text)?;
    }
    Ok(folder)
}

fn dependencies(options: &NewOptions) -> Result<(String, String), NewError> {
    if let Some(url) = &options.git {
        let git = format!("git = {url:?}");
        return Ok((git.clone(), git));
    }
    let built_from = || {
        Path::new(BUILT_FROM)
            .parent()
            .map(Path::to_owned)
            .unwrap_or_default()
    };
    let root = options.engine.clone().unwrap_or_else(built_from);
    let root = root.canonicalize().map_err(|_| NewError::NoEngine(root))?;
    let [engine, server] = ["engine", "server"].map(|part| root.join(part));
    if !engine.join("Cargo.toml").exists() || !server.join("Cargo.toml").exists() {
        return Err(NewError::NoEngine(root));
    }
    Ok((format!("path = {engine:?}"), format!("path = {server:?}")))
}

fn write(path: &Path, text: &str) -> Result<(), NewError> {
    let failed = |source| NewError::Write {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(name: &str) -> NewOptions {
        NewOptions {
            name: name.into(),
            engine: None,
            git: None,
        }
    }

    #[test]
    fn a_project_has_every_blank_filled_in() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = create(parent.path(), &options("my-game")).expect("created");
        for (file, _) in FILES {
            let text = fs::read_to_string(folder.join(file)).expect(file);
            assert!(!text.contains("{{"), "{file}");
        }
        let rules = fs::read_to_string(folder.join("src/game.rs")).expect("rules");
        assert!(rules.contains(r#"const NAME: &'static str = "my-game""#));
        let page = fs::read_to_string(folder.join("web/game.js")).expect("the page's code");
        let types = "import { myGame as game } from '/downbeat/types/my-game.js';";
        assert!(page.contains(types), "{page}");
    }

    #[test]
    fn nothing_is_written_over_and_bad_names_are_refused() {
        let parent = tempfile::tempdir().expect("a folder");
        create(parent.path(), &options("twice")).expect("created");
        let again = create(parent.path(), &options("twice"));
        assert!(matches!(again, Err(NewError::Exists(_))));
        for name in ["", "Big", "1st", "../x", "a b", "ü"] {
            let made = create(parent.path(), &options(name));
            assert!(matches!(made, Err(NewError::Name(_))), "{name:?}");
        }
        let nowhere = NewOptions {
            engine: Some(parent.path().into()),
            ..options("lost")
        };
        assert!(matches!(
            create(parent.path(), &nowhere),
            Err(NewError::NoEngine(_))
        ));
    }
}
