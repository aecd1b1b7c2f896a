//! Answers that are a list without pages: `{"rows": […]}`.

use eventdbx_node::wire::Raw;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    json,
    output::{self, Format},
};

#[derive(Deserialize)]
struct Rows<T> {
    rows: Vec<T>,
}

/// Prints the rows: as one document, as lines, or as what `table` makes of them.
pub(crate) fn print<T: DeserializeOwned>(
    format: Format,
    answer: &str,
    table: impl FnOnce(&[T]) -> String,
) -> anyhow::Result<()> {
    match format {
        Format::Json => output::line(&json::pretty(answer)),
        Format::Ndjson => {
            let Rows::<Raw> { rows } = serde_json::from_str(answer)?;
            rows.iter().try_for_each(|row| output::line(&json::compact(row.get())))
        }
        Format::Table => {
            let Rows { rows } = serde_json::from_str::<Rows<T>>(answer)?;
            if rows.is_empty() {
                output::note("nothing found");
                return Ok(());
            }
            output::line(&table(&rows))
        }
    }
}
