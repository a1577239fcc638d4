//! Where the result goes: files, opened before the run so that a typing error does not cost one,
//! and stdout.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::progress::say;
use super::second::Second;
use super::{LoadError, LoadOptions, Summary, report};

/// The open files.
pub(super) struct Outputs {
    json: Option<File>,
    report: Option<File>,
}

impl Outputs {
    pub(super) fn open(options: &LoadOptions) -> Result<Self, LoadError> {
        let create = |path: &PathBuf| File::create(path).map_err(|e| unwritable(path, e));
        let json = options.json.as_ref().filter(|path| !is_stdout(path));
        Ok(Self {
            json: json.map(create).transpose()?,
            report: options.report.as_ref().map(create).transpose()?,
        })
    }

    pub(super) fn write(
        self,
        summary: &Summary,
        seconds: &[Second],
        options: &LoadOptions,
    ) -> Result<(), LoadError> {
        let json = serde_json::to_string(summary).expect("a summary is plain data");
        let write = |file: Option<File>, path: &Option<PathBuf>, text: &str| match (file, path) {
            (Some(mut file), Some(path)) => file
                .write_all(text.as_bytes())
                .map_err(|e| unwritable(path, e)),
            _ => Ok(()),
        };
        write(self.json, &options.json, &format!("{json}\n"))?;
        if self.report.is_some() {
            let page = report::html(summary, seconds);
            write(self.report, &options.report, &page)?;
        }
        // With the JSON on stdout, the table must not get between it and its reader.
        let (text, table) = if options.json.as_deref().is_some_and(is_stdout) {
            (format!("{json}\n"), Some(summary.to_string()))
        } else {
            (summary.to_string(), None)
        };
        std::io::stdout()
            .write_all(text.as_bytes())
            .map_err(|e| unwritable(Path::new("-"), e))?;
        if let Some(table) = table
            && !options.quiet
        {
            say(table.trim_end());
        }
        Ok(())
    }
}

fn is_stdout(path: impl AsRef<Path>) -> bool {
    path.as_ref() == Path::new("-")
}

fn unwritable(path: &Path, error: std::io::Error) -> LoadError {
    LoadError::Output {
        path: path.to_owned(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::tests::options;
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_is_told_before_the_run() {
        let options = options("--game meadow --json /nowhere/x.json").expect("parses");
        let told = Outputs::open(&options).err().expect("no such folder");
        assert_eq!(told.exit_code(), 2);
        assert!(
            told.to_string()
                .starts_with("cannot write /nowhere/x.json: ")
        );
    }
}
