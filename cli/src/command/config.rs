//! `dbx config`: the configuration file of a data directory. Works without a daemon.

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt};

use eventdbx_node::config::{ConfigError, ConfigFile};
use serde_json::{Value, json};

use crate::{
    fail::{Failure, Kind},
    output::{self, Format, GREEN},
    session::Session,
};

/// Read and change the configuration file
///
/// It is config.toml in the data directory. The daemon reads it when it starts.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show every key with its meaning and the value that is in force
    Show,
    /// Print the value of a key
    Get {
        /// The key, e.g. log.durability
        key: String,
    },
    /// Set a key; the rest of the file stays as it is
    Set {
        /// The key, e.g. log.durability
        key: String,
        /// Its value
        value: String,
    },
}

impl Command {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<()> {
        let mut file = ConfigFile::load(&session.data_dir).map_err(Failure::from)?;
        match self {
            Self::Show => match session.format {
                Format::Table => output::line(file.show().trim_end()),
                format => format.answer(&serde_json::to_string(file.config())?, |_: &Value| String::new()),
            },
            Self::Get { key } => {
                let value = file.get(&key).map_err(Failure::from)?;
                session.format.answer(&answer(&file, &key)?, |_: &Value| value.unwrap_or_default())
            }
            Self::Set { key, value } => {
                DirBuilder::new().recursive(true).mode(0o700).create(&session.data_dir)?;
                file.set(&key, &value).map_err(Failure::from)?;
                let sentence = format!("{GREEN}set{GREEN:#} {key} to {value}");
                session.format.answer(&answer(&file, &key)?, |_: &Value| sentence)?;
                output::note("the daemon reads it when it starts: `dbx restart`");
                Ok(())
            }
        }
    }
}

/// A key and its value, as JSON. A key without a value is null.
fn answer(file: &ConfigFile, key: &str) -> anyhow::Result<String> {
    let config = serde_json::to_value(file.config())?;
    let value = config.pointer(&format!("/{}", key.replace('.', "/"))).cloned().unwrap_or_default();
    Ok(json!({ "key": key, "value": value }).to_string())
}

/// A configuration that does not hold.
impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let kind = if matches!(error, ConfigError::Disk { .. }) { Kind::Other } else { Kind::Refused };
        Self::new(kind, error.to_string()).hint("`dbx config show` lists every key with its meaning")
    }
}
