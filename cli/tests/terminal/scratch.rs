//! A data directory for one test, and `dbx` to work on it with nothing of this machine's environment.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// Where the program lies.
pub(crate) const DBX: &str = env!("CARGO_BIN_EXE_dbx");

/// What building a guest needs to know of the machine.
const TOOLCHAIN: [&str; 4] = ["CARGO_HOME", "HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"];

/// A directory that is removed at the end, with the daemon that may run in it.
pub(crate) struct Scratch {
    dir: tempfile::TempDir,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::Builder::new().prefix("dbx-").tempdir().unwrap() }
    }

    /// With a daemon.
    pub(crate) fn started() -> Self {
        let scratch = Self::new();
        scratch.dbx(["start"]).ok();
        scratch
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where it is remembered which domain is checked out.
    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Writes a file beside the data directory.
    pub(crate) fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, contents).unwrap();
        path
    }

    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("DBX_DATA_DIR", self.data());
        command.env("DBX_STATE_DIR", self.state());
        command.envs(TOOLCHAIN.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs(std::env::var_os("CARGO_TARGET_DIR").map(|dir| ("CARGO_TARGET_DIR", dir)));
        command
    }

    pub(crate) fn dbx<I: IntoIterator<Item: AsRef<OsStr>>>(&self, arguments: I) -> Ran {
        Ran::of(self.command(DBX).args(arguments).stdin(Stdio::null()))
    }

    /// With something on standard input.
    pub(crate) fn dbx_given<I: IntoIterator<Item: AsRef<OsStr>>>(&self, input: &str, arguments: I) -> Ran {
        let mut child = self.spawn(arguments);
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ran::from(child.wait_with_output().unwrap())
    }

    pub(crate) fn spawn<I: IntoIterator<Item: AsRef<OsStr>>>(&self, arguments: I) -> Child {
        let mut command = self.command(DBX);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs a command that must succeed, and reads its document.
    pub(crate) fn json<I: IntoIterator<Item: AsRef<OsStr>>>(&self, arguments: I) -> Value {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned());
        let ran = self.dbx(arguments.chain(["--format".into(), "json".into()])).ok();
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.dbx(["stop"]);
    }
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        command.output().unwrap().into()
    }

    /// The same, when it succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.code(0)
    }

    /// The same, when it ended with this exit code.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// The same, when standard error says this.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "no {text:?} in {self:?}");
        self
    }
}

impl From<std::process::Output> for Ran {
    fn from(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
