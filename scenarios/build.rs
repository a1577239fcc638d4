//! Builds the pages of the games with npm, and lays a copy of them where the binary embeds it.
//!
//! Whatever is missing (the web client, npm, the network), this succeeds: the binary then has no
//! page, or an older one, and says why.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// What the bundle is made of.
const SOURCES: [&str; 9] = [
    "index.html",
    "arena.html",
    "chat",
    "src",
    "public",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
];

/// Why the bundle is not what the sources say.
enum Unbuilt {
    NoSources,
    NoNpm,
    Failed { command: String, why: String },
}

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let of_cargo = |name| env::var_os(name).map(PathBuf::from);
    let here = of_cargo("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let out = of_cargo("OUT_DIR").expect("cargo sets it");
    let web = here.join("../client-web");
    let bundle = web.join("dist");
    for source in SOURCES.map(|source| web.join(source)) {
        // What does not exist always counts as changed.
        if source.exists() {
            println!("cargo::rerun-if-changed={}", source.display());
        }
    }
    // Two builds at once would pull the files from under each other's feet. The lock is on the
    // folder itself, so that nothing is left behind; where that cannot be, they take the risk.
    let _lock = File::open(&web).and_then(|folder| folder.lock().map(|()| folder));
    let built = build(&web);
    // A copy of this build's own: another may replace the bundle while the compiler reads this.
    let pages = out.join("pages");
    let _ = fs::remove_dir_all(&pages);
    let is_bundled = bundle.join("index.html").exists();
    let mut table = Vec::new();
    if is_bundled {
        copy(&bundle, &pages, "", &mut table)?;
    }
    table.sort();
    fs::write(out.join("pages.rs"), format!("&[{}]", table.concat()))?;
    let mut missing = String::new();
    if let Err(unbuilt) = built {
        missing = unbuilt.advice();
        if !matches!(unbuilt, Unbuilt::NoSources) {
            let kept = if is_bundled {
                "the page is an older one"
            } else {
                "there is no page"
            };
            println!("cargo::warning={kept}: {missing}");
            // Whoever builds the bundle by hand gets it with the next build.
            let _ = fs::create_dir_all(&bundle);
            println!("cargo::rerun-if-changed={}", bundle.display());
        }
    }
    println!("cargo::rustc-env=GAMES_PAGE_MISSING={missing}");
    Ok(())
}

impl Unbuilt {
    /// What is wrong and what to do, in one line.
    fn advice(&self) -> String {
        let again = "then start it with `cargo run --release` again";
        match self {
            Self::NoSources => "this program was built without the folder `client-web`, \
                                from which the page is made"
                .into(),
            Self::NoNpm => format!(
                "`npm` was not found: install Node.js 20.19 or newer, run \
                 `npm ci && npm run build` in `client-web`, {again}"
            ),
            Self::Failed { command, why } => format!(
                "`{command}` failed ({why}): run `npm ci && npm run build` in `client-web` \
                 to see all of it, {again}"
            ),
        }
    }
}

/// Brings the bundle up to date.
fn build(web: &Path) -> Result<(), Unbuilt> {
    if !web.join("package.json").exists() {
        return Err(Unbuilt::NoSources);
    }
    let sources = SOURCES
        .iter()
        .filter_map(|source| newest(&web.join(source)));
    let bundle = modified(&web.join("dist/index.html"));
    if bundle.is_some() && bundle >= sources.max() {
        return Ok(());
    }
    // npm writes this list when it has installed everything.
    let modules = modified(&web.join("node_modules/.package-lock.json"));
    if modules.is_none() || modules < modified(&web.join("package-lock.json")) {
        let offline_soon = [
            "--fetch-retries=1",
            "--fetch-retry-mintimeout=500", // npm refuses a maximum below its minimum
            "--fetch-retry-maxtimeout=2000",
        ];
        let quiet = [
            "--include=dev",
            "--no-audit",
            "--no-fund",
            "--prefer-offline",
        ];
        npm(web, &["ci"], &[offline_soon.as_slice(), &quiet].concat())?;
    }
    npm(web, &["run", "build"], &[])?;
    Ok(())
}

fn npm(web: &Path, command: &[&str], options: &[&str]) -> Result<(), Unbuilt> {
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let run = Command::new(program)
        .args(command)
        .args(options)
        .current_dir(web)
        .output();
    let output = match run {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Unbuilt::NoNpm),
        Err(error) => {
            return Err(Unbuilt::Failed {
                command: format!("npm {}", command.join(" ")),
                why: error.to_string(),
            });
        }
    };
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    let mut lines = said.lines().map(str::trim);
    let why = lines.find(|line| line.to_lowercase().contains("error"));
    Err(Unbuilt::Failed {
        command: format!("npm {}", command.join(" ")),
        why: why.map_or_else(|| output.status.to_string(), str::to_owned),
    })
}

/// When a file was written last.
fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|about| about.modified()).ok()
}

/// When a file, or anything in a folder, was written last. A folder counts itself: what was in it
/// may be gone.
fn newest(path: &Path) -> Option<SystemTime> {
    let inner = fs::read_dir(path).into_iter().flatten().flatten();
    let inner = inner.filter_map(|entry| newest(&entry.path()));
    inner.chain(modified(path)).max()
}

/// Copies a folder, and writes down each file as an entry of a table in Rust: the path in an
/// address, and the contents.
fn copy(from: &Path, to: &Path, address: &str, table: &mut Vec<String>) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let address = format!("{address}{}", entry.file_name().display());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target, &format!("{address}/"), table)?;
        } else {
            fs::copy(entry.path(), &target)?;
            table.push(format!("({address:?}, include_bytes!({target:?})),\n"));
        }
    }
    Ok(())
}
