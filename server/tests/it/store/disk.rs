//! A small disk of a test's own, which can be full.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A disk of its own, gone when this is dropped.
pub(crate) struct Disk(TempDir);

impl Disk {
    /// `None` where this may not be done, which was said aloud.
    #[expect(clippy::print_stderr, reason = "what did not run is said aloud")]
    pub(crate) fn new(kib: u32) -> Option<Self> {
        let folder = TempDir::new().expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "downbeat"]);
        let mounted = mount.arg(folder.path()).output();
        if mounted.is_ok_and(|done| done.status.success()) {
            return Some(Self(folder));
        }
        eprintln!("!!! SKIPPED: a full disk: mounting a small one needs root");
        None
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room that there is.
    pub(crate) fn fill(&self) {
        let file = File::create(self.path().join("ballast"));
        let mut ballast = file.expect("a file");
        for bytes in [4096, 1] {
            while ballast.write_all(&vec![1; bytes]).is_ok() {}
        }
    }

    /// Gives it back.
    pub(crate) fn empty(&self) {
        std::fs::remove_file(self.path().join("ballast")).expect("room");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}
