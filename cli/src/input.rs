//! JSON that comes from the command line: as it stands, from a file (`@FILE`), or from standard input (`-`).

use std::{
    fs,
    io::{self, Read},
};

use anyhow::Context;
use serde_json::{Value, value::RawValue};

use crate::fail::{Failure, Kind};

/// Reads `JSON|@FILE|-`. The text is kept byte for byte; only that it is JSON is checked here.
pub(crate) fn json(what: &str, argument: &str) -> anyhow::Result<Box<RawValue>> {
    let text = match argument.strip_prefix('@') {
        Some(path) => fs::read_to_string(path).with_context(|| format!("reading {what} from {path}"))?,
        None if argument == "-" => stdin(what)?,
        None => argument.to_owned(),
    };
    RawValue::from_string(text).map_err(|error| {
        Failure::new(Kind::Refused, format!("{what} is not JSON: {error}"))
            .hint(format!("{what} is JSON text, @FILE to read it from a file, or - for standard input"))
            .into()
    })
}

/// Reads a secret from `@FILE`, from `-`, or without an argument from an environment variable. Never from the argument
/// itself: anybody who lists the processes of the machine reads that.
pub(crate) fn secret(what: &str, argument: Option<&str>, variable: &str) -> anyhow::Result<String> {
    let text = match argument {
        Some("-") => stdin(what)?,
        Some(argument) => match argument.strip_prefix('@') {
            Some(path) => fs::read_to_string(path).with_context(|| format!("reading {what} from {path}"))?,
            None => {
                return Err(Failure::new(Kind::Usage, format!("{what} takes @FILE or -, and not the secret itself"))
                    .hint(format!("anybody can read the arguments of a process: use a file, a pipe, or {variable}"))
                    .into());
            }
        },
        None => std::env::var(variable).map_err(|_| {
            Failure::new(Kind::Usage, format!("{what} is missing"))
                .hint(format!("give it as {what} @FILE, as {what} - on standard input, or in {variable}"))
        })?,
    };
    Ok(text.trim().to_owned())
}

/// The whole of standard input, which must be text.
pub(crate) fn stdin(what: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).with_context(|| format!("reading {what} from standard input"))?;
    Ok(text)
}

/// Makes an object of repeated `k=v`. A value that is JSON counts as such (`42`, `true`, `"42"`, `[1]`), any other is text.
pub(crate) fn fields(fields: &[String]) -> anyhow::Result<Box<RawValue>> {
    let mut members = Vec::with_capacity(fields.len());
    for field in fields {
        let (name, value) = field.split_once('=').ok_or_else(|| {
            Failure::new(Kind::Usage, format!("--field {field:?} has no value")).hint("write it as --field name=value")
        })?;
        members.push(format!("{}:{}", Value::from(name), member(value)));
    }
    // NOTE: duplicate names are left in, for the daemon to refuse: it says it better than we could.
    Ok(RawValue::from_string(format!("{{{}}}", members.join(",")))?)
}

fn member(value: &str) -> String {
    match serde_json::from_str::<&RawValue>(value) {
        Ok(json) => json.get().to_owned(),
        Err(_) => Value::from(value).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_typed() {
        let given =
            ["n=42", "price=1.50", "ok=true", "name=Ada Lovelace", "zip=\"01234\"", "list=[1, 2]", "eq=a=b", "e="];
        let object = fields(&given.map(str::to_owned)).expect("valid");
        assert_eq!(
            object.get(),
            r#"{"n":42,"price":1.50,"ok":true,"name":"Ada Lovelace","zip":"01234","list":[1, 2],"eq":"a=b","e":""}"#
        );
        assert!(fields(&["no value".to_owned()]).is_err());
    }

    #[test]
    fn json_is_kept_as_it_was_written() {
        assert_eq!(json("--payload", r#"{"b":1.0, "a":1e2}"#).expect("valid").get(), r#"{"b":1.0, "a":1e2}"#);
        assert!(json("--payload", "{").is_err());
    }
}
