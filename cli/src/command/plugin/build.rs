//! `dbx plugin build`: plugins written in Rust, compiled into components.

use std::{fs, path::PathBuf};

use eventdbx_plugin_build::Built;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    command::rows,
    output::{self, GREEN},
    session::Session,
};

/// Build plugins written in Rust
///
/// The compiler for WebAssembly is installed when it is missing, which is said first.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of the plugin's Cargo.toml
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Build the examples of the repository that dbx was built from
    #[arg(long, conflicts_with = "dir")]
    examples: bool,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<()> {
        let built = if self.examples {
            eventdbx_plugin_build::build_examples()?
        } else {
            vec![eventdbx_plugin_build::build_dir(&self.dir)?]
        };
        let rows = built.into_iter().map(row).collect::<anyhow::Result<Vec<_>>>()?;
        rows::print(session.format, &json!({ "rows": rows }).to_string(), text)
    }
}

/// A component that was built.
#[derive(Serialize, Deserialize)]
struct Row {
    name: String,
    component: PathBuf,
    bytes: u64,
}

fn row(built: Built) -> anyhow::Result<Row> {
    let bytes = fs::metadata(&built.component)?.len();
    Ok(Row { name: built.name, component: built.component, bytes })
}

fn text(rows: &[Row]) -> String {
    let line = |row: &Row| format!("{GREEN}built{GREEN:#} {} ({})", row.component.display(), output::bytes(row.bytes));
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
