//! The official Python and Node clients, unmodified, against the mock server.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::command::{Tally, cargo, program, root, stream};
use crate::tools;

/// Installs the clients, starts the server, runs both suites.
pub(crate) fn check(tally: &mut Tally) -> Result<(), String> {
    let sources = root().join("tests").join("clients");
    let python = python(&sources)?;
    let node = node(&sources)?;
    let server = Server::start()?;
    let mut in_python = program(&python, &["-B", "run.py"]);
    let python = stream(in_python.current_dir(&sources).env("MOCK_URL", &server.url), tally);
    let mut in_node = program(node.join("node_modules/.bin/node"), &["run.mjs"]);
    let node = stream(in_node.current_dir(&node).env("MOCK_URL", &server.url), tally);
    python.and(node)
}

/// A virtual environment with the Python clients; its interpreter.
fn python(sources: &Path) -> Result<PathBuf, String> {
    let folder = tools::cache()?.join("clients").join("python");
    let interpreter = folder.join("bin").join("python");
    let wanted = read(&sources.join("requirements.txt"))?;
    if installed(&folder, &wanted) {
        return Ok(interpreter);
    }
    let mut quiet = Tally::default();
    let venv = folder.to_string_lossy();
    stream(&mut program("python3", &["-m", "venv", "--clear", &venv]), &mut quiet)
        .map_err(|e| format!("{e} (Debian: apt-get install python3-venv)"))?;
    let mut pip = program(&interpreter, &["-m", "pip", "install", "--quiet", "-r", "requirements.txt"]);
    stream(pip.current_dir(sources), &mut quiet)?;
    mark(&folder, &wanted)?;
    Ok(interpreter)
}

/// A folder with the Node clients, the Node they need, and the tests: modules are looked for beside them.
fn node(sources: &Path) -> Result<PathBuf, String> {
    let folder = tools::cache()?.join("clients").join("node");
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for entry in fs::read_dir(sources).map_err(|e| format!("{}: {e}", sources.display()))?.flatten() {
        let from = entry.path();
        if from.extension().is_some_and(|end| end == "mjs" || end == "json") {
            fs::copy(&from, folder.join(entry.file_name()))
                .map_err(|e| format!("{}: {e}", from.display()))?;
        }
    }
    let wanted = read(&sources.join("package.json"))?;
    if !installed(&folder, &wanted) {
        let npm = ["install", "--no-audit", "--no-fund", "--no-package-lock"];
        stream(program("npm", &npm).current_dir(&folder), &mut Tally::default())?;
        mark(&folder, &wanted)?;
    }
    Ok(folder)
}

/// The file that says what a folder was made from.
const MADE_FROM: &str = "made-from";

fn installed(folder: &Path, wanted: &str) -> bool {
    fs::read_to_string(folder.join(MADE_FROM)).is_ok_and(|found| found == wanted)
}

fn mark(folder: &Path, wanted: &str) -> Result<(), String> {
    fs::write(folder.join(MADE_FROM), wanted).map_err(|e| format!("{}: {e}", folder.display()))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// The mock server on a port of its own; stopped when dropped.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start() -> Result<Self, String> {
        let build = ["build", "--quiet", "--example", "mock_server"];
        stream(&mut cargo(&build), &mut Tally::default())?;
        let mut command = cargo(&["run", "--quiet", "--example", "mock_server", "--", "--print-url"]);
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|e| format!("mock_server: {e}"))?;
        let mut url = String::new();
        if let Some(stdout) = child.stdout.take() {
            // The rest of its output is not read: with `--print-url` there is none.
            let _ = BufReader::new(stdout).read_line(&mut url);
        }
        let server = Server { child, url: url.trim().to_owned() };
        if server.url.starts_with("http://") {
            Ok(server)
        } else {
            Err(format!("the mock server said {:?} instead of its address", server.url))
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // On Unix cargo has become the server; elsewhere its child ends with the closed pipe.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
