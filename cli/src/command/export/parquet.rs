//! Parquet: columns of their own type, in groups of rows that fit in memory.

use std::{io::Write, sync::Arc};

use anyhow::Context;
use jiff::Timestamp;
use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::{Type, TypePtr},
};
use serde_json::value::RawValue;

use super::{
    Sink,
    cells::{self, Row},
    columns::{Columns, Values},
};
use crate::json;

/// Most rows of a group.
const GROUP_ROWS: usize = 100_000;
/// Most bytes of the rows of a group, as JSON.
const GROUP_BYTES: usize = 32 << 20;

/// A file that is being written.
pub(super) struct File<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Columns,
    group: Vec<Gathered>,
    rows: usize,
    bytes: usize,
}

/// The values of one column that no group has yet: what is there, and for each row whether it is.
#[derive(Default)]
struct Gathered {
    cells: Cells,
    levels: Vec<i16>,
}

enum Cells {
    Booleans(Vec<bool>),
    Integers(Vec<i64>),
    Numbers(Vec<f64>),
    Texts(Vec<ByteArray>),
}

impl Default for Cells {
    fn default() -> Self {
        Self::Texts(Vec::new())
    }
}

impl<W: Write + Send> File<W> {
    pub(super) fn begin(out: W, columns: Columns) -> anyhow::Result<Self> {
        let fields = columns.each().map(|(_, name, values)| field(&name, values)).collect::<Result<_, _>>()?;
        let schema = Type::group_type_builder("schema").with_fields(fields).build()?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
        let group = gather(&columns);
        Ok(Self { writer, columns, group, rows: 0, bytes: 0 })
    }

    fn write_group(&mut self) -> anyhow::Result<()> {
        let full = std::mem::replace(&mut self.group, gather(&self.columns));
        (self.rows, self.bytes) = (0, 0);
        let mut group = self.writer.next_row_group()?;
        for Gathered { cells, levels } in full {
            let mut column = group.next_column()?.context("a column too many")?;
            match cells {
                Cells::Booleans(cells) => column.typed::<BoolType>().write_batch(&cells, Some(&levels), None)?,
                Cells::Integers(cells) => column.typed::<Int64Type>().write_batch(&cells, Some(&levels), None)?,
                Cells::Numbers(cells) => column.typed::<DoubleType>().write_batch(&cells, Some(&levels), None)?,
                Cells::Texts(cells) => column.typed::<ByteArrayType>().write_batch(&cells, Some(&levels), None)?,
            };
            column.close()?;
        }
        group.close()?;
        Ok(())
    }
}

impl<W: Write + Send> Sink for File<W> {
    fn row(&mut self, row: &str) -> anyhow::Result<()> {
        let bytes = row.len();
        let row = Row::read(row)?;
        self.columns.fit(&row)?;
        for ((column, name, values), gathered) in self.columns.each().zip(&mut self.group) {
            let value = column.of(&row);
            gathered.levels.push(value.is_some().into());
            if let Some(value) = value {
                gathered.cells.push(value, values).ok_or_else(|| self.columns.changed(&name))?;
            }
        }
        self.rows += 1;
        self.bytes += bytes;
        if self.rows == GROUP_ROWS || self.bytes >= GROUP_BYTES { self.write_group() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        if self.rows > 0 {
            self.write_group()?;
        }
        self.writer.finish()?;
        Ok(self.writer.inner_mut().flush()?)
    }
}

impl Cells {
    /// None: the value is not what the column holds.
    fn push(&mut self, value: &RawValue, values: Values) -> Option<()> {
        let text = value.get();
        match self {
            Self::Booleans(cells) => cells.push(text.parse().ok()?),
            Self::Integers(cells) if values == Values::Time => {
                cells.push(cells::text(value).parse::<Timestamp>().ok()?.as_microsecond());
            }
            Self::Integers(cells) => cells.push(text.parse().ok()?),
            Self::Numbers(cells) => cells.push(text.parse().ok()?),
            Self::Texts(cells) if values == Values::Json => cells.push(json::compact(text).into_bytes().into()),
            Self::Texts(cells) => cells.push(serde_json::from_str::<String>(text).ok()?.into_bytes().into()),
        }
        Some(())
    }
}

/// An empty group.
fn gather(columns: &Columns) -> Vec<Gathered> {
    let cells = columns.each().map(|(.., values)| match values {
        Values::Boolean => Cells::Booleans(Vec::new()),
        Values::Integer | Values::Time => Cells::Integers(Vec::new()),
        Values::Number => Cells::Numbers(Vec::new()),
        Values::Text | Values::Json => Cells::default(),
    });
    cells.map(|cells| Gathered { cells, levels: Vec::new() }).collect()
}

fn field(name: &str, values: Values) -> anyhow::Result<TypePtr> {
    let (physical, logical) = match values {
        Values::Boolean => (Physical::BOOLEAN, None),
        Values::Integer => (Physical::INT64, None),
        Values::Number => (Physical::DOUBLE, None),
        Values::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Values::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
        Values::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
    };
    let field = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
    Ok(Arc::new(field.with_logical_type(logical).build()?))
}

#[cfg(test)]
mod tests {
    use parquet::{
        file::reader::{FileReader as _, SerializedFileReader},
        record::RowAccessor as _,
    };

    use super::*;

    #[test]
    fn what_was_written_is_read_back_with_its_types() {
        let time = "2013-01-01T10:17:00.000001Z";
        let row = |state: &str| {
            format!(
                r#"{{"aggregate_type":"a","aggregate_id":"1","version":2,"archived":false,"created_at":"{time}",
                "updated_at":"{time}","last_position":7,"root":"ab","state":{state}}}"#
            )
        };
        let rows = [row(r#"{"n":1,"f":1,"t":"x","m":true,"o":{"a":1}}"#), row(r#"{"f":1.5,"m":"y","n":null}"#)];
        let mut columns = Columns::of_states();
        rows.iter().for_each(|row| columns.see(row).unwrap());
        let mut file = tempfile::tempfile().unwrap();
        let mut written = Box::new(File::begin(file.try_clone().unwrap(), columns).unwrap());
        rows.iter().for_each(|row| written.row(row).unwrap());
        written.finish().unwrap();
        file.flush().unwrap();

        let reader = SerializedFileReader::new(file).unwrap();
        let names = reader.metadata().file_metadata().schema_descr().columns().to_vec();
        let names: Vec<_> = names.iter().map(|column| column.name().to_owned()).collect();
        assert_eq!(names[8..], ["state.f", "state.m", "state.n", "state.o", "state.t"]);
        let read: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!((read.len(), read[0].get_long(2).unwrap(), read[0].get_bool(3).unwrap()), (2, 2, false));
        assert_eq!(read[0].get_timestamp_micros(4).unwrap(), 1_357_035_420_000_001);
        assert_eq!([read[0].get_double(8).unwrap(), read[1].get_double(8).unwrap()], [1.0, 1.5]);
        assert_eq!(read[0].get_long(10).unwrap(), 1);
        assert_eq!(read[0].get_string(12).unwrap(), "x");
        let json = |row: &parquet::record::Row, at| {
            String::from_utf8(
                row.get_bytes(at)
                    .map(|b| b.data().to_vec())
                    .unwrap_or_else(|_| row.get_string(at).unwrap().clone().into_bytes()),
            )
            .unwrap()
        };
        assert_eq!([json(&read[0], 9), json(&read[1], 9), json(&read[0], 11)], ["true", "\"y\"", "{\"a\":1}"]);
        assert!(read[1].get_string(12).is_err(), "absent");
    }
}
