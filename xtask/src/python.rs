//! The package for Python: what is generated of it, and the step that builds, installs and tests it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{Tally, cargo, program, root, stream};
use crate::tools;

/// The package, below the repository's root.
const PACKAGE: &str = "bindings-python";

/// `cargo xtask python`: writes the generated modules anew. `Ok(false)`: they could not be written.
///
/// # Errors
/// When an argument is unknown.
pub(crate) fn command(arguments: &[String]) -> Result<bool, String> {
    if let Some(unknown) = arguments.first() {
        return Err(format!("unknown argument `{unknown}`; python takes none"));
    }
    let mut line = cargo(&["run", "--quiet", "--package", "belvedere-codegen", "--", "python"]);
    Ok(stream(&mut line, &mut Tally::default()).inspect_err(|reason| eprintln!("{reason}")).is_ok())
}

/// Installs the package into a fresh virtual environment, built with the checks of a debug build, and runs
/// there: pytest, the type checkers, the examples. All of them run; what failed is named.
///
/// # Errors
/// What could not be set up, or the names of what failed.
pub(crate) fn check(tally: &mut Tally) -> Result<(), String> {
    let folder = tools::cache()?.join("python");
    let python = Python::fresh(&folder, "environment")?;
    python.pip(&["-r", "tests/requirements.txt"])?;
    let wheels = emptied(&folder.join("wheels"))?;
    let to = wheels.to_string_lossy();
    let mut build = python.run(&["-m", "maturin", "build", "--quiet", "--profile", "dev", "--out", &to]);
    stream(build.arg("--interpreter").arg(&python.interpreter), &mut Tally::default())?;
    python.pip(&["--no-deps", &the_one(&wheels, "whl")?.to_string_lossy()])?;
    let checks: [(&str, Check); 4] =
        [("pytest", pytest), ("mypy", mypy), ("pyright", pyright), ("examples", examples)];
    let mut failed = Vec::new();
    for (name, check) in checks {
        if let Err(reason) = check(&python, tally) {
            println!("    {name}: {reason}");
            failed.push(name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

/// Builds the wheel as users get it, by `pip` from the source distribution, installs it into an environment that has nothing
/// else, measures its size and the time of its import, opens the front door, and lets a test find the fixtures.
///
/// # Errors
/// What failed, or is past its bound.
pub(crate) fn wheel(tally: &mut Tally) -> Result<(), String> {
    let folder = tools::cache()?.join("python");
    let sources = sdist(&folder)?;
    let python = Python::fresh(&folder, "empty-environment")?;
    let wheels = emptied(&folder.join("release-wheels"))?;
    let build = ["-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", "--wheel-dir"];
    let mut building = python.run(&build);
    building.arg(&wheels).arg(sources);
    if std::env::var_os("CARGO_TARGET_DIR").is_none() {
        // It is unpacked elsewhere; what others depend on is built once.
        building.env("CARGO_TARGET_DIR", root().join("target"));
    }
    stream(&mut building, &mut Tally::default())?;
    let wheel = the_one(&wheels, "whl")?;
    python.pip(&[&wheel.to_string_lossy()])?;
    let measured = stream(python.run(&["tests/measure.py"]).arg(&wheel), tally);
    let quickstart = stream(&mut python.run(&["../examples/python/quickstart.py"]), tally);
    let fixtures = fixtures(&python, tally);
    measured.and(quickstart).and(fixtures)
}

/// The source distribution.
fn sdist(folder: &Path) -> Result<PathBuf, String> {
    let python = Python::fresh(folder, "sdist-environment")?;
    python.pip(&["maturin>=1.9.4,<2"])?;
    let sources = emptied(&folder.join("sources"))?;
    let build = ["-m", "maturin", "sdist", "--out"];
    stream(python.run(&build).arg(&sources), &mut Tally::default())?;
    the_one(&sources, "gz")
}

/// The fixtures of the installed package, in a folder that has nothing but their tests.
fn fixtures(python: &Python, tally: &mut Tally) -> Result<(), String> {
    let folder = emptied(&python.folder.join("fixtures"))?;
    let tests = root().join(PACKAGE).join("tests");
    let copied = fs::copy(tests.join("installed.py"), folder.join("test_installed.py"));
    copied.map_err(|e| format!("tests/installed.py: {e}"))?;
    python.pip(&["pytest>=8"])?;
    let before = tally.passed;
    let mut run = python.run(&["-m", "pytest", "-q", "-p", "summary", "-p", "no:cacheprovider", "."]);
    stream(run.env("PYTHONPATH", tests).current_dir(&folder), tally)?;
    if tally.passed == before { Err("no fixture was found".into()) } else { Ok(()) }
}

/// A check of the installed package.
type Check = fn(&Python, &mut Tally) -> Result<(), String>;

/// A virtual environment.
struct Python {
    interpreter: PathBuf,
    folder: PathBuf,
}

impl Python {
    /// A new environment of this name.
    fn fresh(folder: &Path, name: &str) -> Result<Self, String> {
        let environment = folder.join(name);
        let path = environment.to_string_lossy();
        stream(&mut program("python3", &["-m", "venv", "--clear", &path]), &mut Tally::default())
            .map_err(|e| format!("{e} (Python 3.10 or newer; Debian: apt-get install python3-venv)"))?;
        Ok(Python { interpreter: environment.join("bin").join("python"), folder: folder.to_path_buf() })
    }

    fn pip(&self, what: &[&str]) -> Result<(), String> {
        let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        stream(self.run(&quiet).args(what), &mut Tally::default())
    }

    /// The interpreter, in the package's folder. It writes no bytecode there.
    fn run(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = program(&self.interpreter, &["-B"]);
        command.args(arguments).current_dir(root().join(PACKAGE));
        command
    }

    /// Mypy, which keeps what it knows in the cache.
    fn mypy(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = self.run(&["-m", "mypy", "--strict", "--cache-dir"]);
        command.arg(self.folder.join("mypy")).args(arguments);
        command
    }

    /// Pyright: a program for Node, which its Python package fetches into the cache.
    fn pyright(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = self.run(&["-m", "pyright"]);
        command.args(arguments).env("PYRIGHT_PYTHON_CACHE_DIR", self.folder.join("pyright"));
        // It looks for packages where the first `python` on the path has them.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let first = self.interpreter.parent().map(Path::to_path_buf);
        let joined = std::env::join_paths(first.into_iter().chain(std::env::split_paths(&path)));
        joined.map(|path| command.env("PATH", path)).ok();
        command
    }
}

/// A folder with nothing in it.
fn emptied(folder: &Path) -> Result<PathBuf, String> {
    let fault = |e: std::io::Error| format!("{}: {e}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(fault)?;
    }
    fs::create_dir_all(folder).map_err(fault)?;
    Ok(folder.to_path_buf())
}

/// The file with this ending in a folder.
fn the_one(folder: &Path, ending: &str) -> Result<PathBuf, String> {
    let mut found = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?.flatten();
    let one = found.find(|entry| entry.path().extension().is_some_and(|end| end == ending));
    one.map(|entry| entry.path()).ok_or_else(|| format!("no `.{ending}` was built"))
}

fn pytest(python: &Python, tally: &mut Tally) -> Result<(), String> {
    let before = tally.passed;
    let mut tests =
        python.run(&["-m", "pytest", "-q", "-rs", "-p", "summary", "-p", "no:cacheprovider", "tests"]);
    stream(tests.env("PYTHONPATH", "tests"), tally)?;
    if tally.passed == before { Err("no test ran".into()) } else { Ok(()) }
}

/// The package and the examples under `mypy --strict`, and the stubs against what the library has.
fn mypy(python: &Python, tally: &mut Tally) -> Result<(), String> {
    let package = stream(&mut python.mypy(&["-p", "belvedere"]), tally);
    let examples = stream(&mut python.mypy(&["../examples/python"]), tally);
    let stubs = ["-m", "mypy.stubtest", "belvedere._native", "--allowlist", "tests/stubtest.txt"];
    package.and(examples).and(stream(&mut python.run(&stubs), tally))
}

/// The package and the examples under pyright, and that all of the package's face has types.
fn pyright(python: &Python, tally: &mut Tally) -> Result<(), String> {
    tools::node()?;
    let package = stream(&mut python.pyright(&["python/belvedere"]), tally);
    let examples = stream(&mut python.pyright(&["../examples/python"]), tally);
    package
        .and(examples)
        .and(stream(&mut python.pyright(&["--ignoreexternal", "--verifytypes", "belvedere"]), tally))
}

/// Every example, by itself, where it can write nothing into the clone.
fn examples(python: &Python, tally: &mut Tally) -> Result<(), String> {
    let folder = root().join("examples").join("python");
    let found = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut scripts: Vec<PathBuf> = found.flatten().map(|entry| entry.path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|end| end == "py"));
    scripts.sort();
    let mut failed = Vec::new();
    for script in &scripts {
        let mut example = python.run(&[&script.to_string_lossy()]);
        if let Err(reason) = stream(example.current_dir(&python.folder), tally) {
            failed.push(reason);
        }
    }
    println!("    {} examples, {} failed", scripts.len(), failed.len());
    match (scripts.is_empty(), failed.is_empty()) {
        (true, _) => Err("there are no examples".into()),
        (_, false) => Err(failed.join("; ")),
        _ => Ok(()),
    }
}
