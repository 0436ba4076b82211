//! `arrow-ipc`: tables of columns, batch by batch.

use crate::through;
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use std::sync::Arc;

/// The `n`-th batch, of some rows: numbers, numbers of which some are missing, and texts.
fn batch(n: usize) -> RecordBatch {
    let rows = 1 + n * 1009;
    let numbers = Int64Array::from_iter_values((0..rows).map(|row| (n * row) as i64));
    let halves = Float64Array::from_iter((0..rows).map(|row| (row % 3 > 0).then_some(row as f64 / 2.0)));
    let texts = StringArray::from_iter_values((0..rows).map(|row| format!("row {row} of batch {n}")));
    let columns: [(&str, ArrayRef); 3] =
        [("number", Arc::new(numbers)), ("half", Arc::new(halves)), ("text", Arc::new(texts))];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

#[test]
fn batches_come_as_they_were_written() {
    through(
        |writer| {
            let mut writer = StreamWriter::try_new(writer, &batch(0).schema()).unwrap();
            for n in 0..8 {
                writer.write(&batch(n)).unwrap();
            }
            writer.into_inner().unwrap().finish().unwrap();
        },
        |reader| {
            let mut reader = StreamReader::try_new(reader, None).unwrap();
            assert_eq!(reader.schema(), batch(0).schema());
            let batches: Vec<RecordBatch> = reader.by_ref().map(Result::unwrap).collect();
            // The format has an end of its own; the stream's is behind it.
            assert_eq!(std::io::copy(reader.get_mut(), &mut std::io::sink()).unwrap(), 0);
            batches
        },
        |batches| assert_eq!(batches, (0..8).map(batch).collect::<Vec<_>>()),
    );
}
