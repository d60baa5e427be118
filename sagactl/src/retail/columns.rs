//! Whole columns of a parquet file, as the few kinds of value we need.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use parquet::basic::{Compression, LogicalType, TimeUnit, Type};
use parquet::column::page::PageReader;
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::errors::Result;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;

use super::RetailError;
use super::zstd_pages::ZstdPages;

/// One column of one row group; `None` where the file says null.
pub(super) enum Column {
    Integer(Vec<Option<i64>>),
    Float(Vec<Option<f64>>),
    Text(Vec<Option<ByteArray>>),
}

/// Reads single columns by name.
pub(super) struct ColumnSource<R: ChunkReader + 'static> {
    file: Arc<R>,
    reader: SerializedFileReader<R>,
}

impl<R: ChunkReader + Clone + 'static> ColumnSource<R> {
    pub(super) fn open(file: R) -> Result<Self> {
        Ok(Self { reader: SerializedFileReader::new(file.clone())?, file: Arc::new(file) })
    }

    pub(super) fn row_groups(&self) -> usize {
        self.reader.num_row_groups()
    }

    /// A column of a row group.
    pub(super) fn read(&self, group: usize, name: &'static str) -> Result<Column, RetailError> {
        let (index, descriptor) = self.descriptor(name)?;
        let reader = self.reader.get_row_group(group)?;
        let rows = reader.metadata().num_rows() as usize;
        let pages = || -> Result<Box<dyn PageReader>> {
            let column = reader.metadata().column(index);
            if matches!(column.compression(), Compression::ZSTD(_)) {
                Ok(Box::new(ZstdPages::new(self.file.clone(), column, rows)?))
            } else {
                reader.get_column_page_reader(index)
            }
        };
        let physical = descriptor.physical_type();
        let values = match physical {
            Type::INT32 => {
                let values = values::<Int32Type>(&descriptor, pages()?, rows)?;
                Column::Integer(values.into_iter().map(|v| v.map(i64::from)).collect())
            }
            Type::INT64 => Column::Integer(values::<Int64Type>(&descriptor, pages()?, rows)?),
            Type::FLOAT => {
                let values = values::<FloatType>(&descriptor, pages()?, rows)?;
                Column::Float(values.into_iter().map(|v| v.map(f64::from)).collect())
            }
            Type::DOUBLE => Column::Float(values::<DoubleType>(&descriptor, pages()?, rows)?),
            Type::BYTE_ARRAY => Column::Text(values::<ByteArrayType>(&descriptor, pages()?, rows)?),
            Type::BOOLEAN | Type::INT96 | Type::FIXED_LEN_BYTE_ARRAY => {
                return Err(wrong_type(name, &physical, "a number or text"));
            }
        };
        Ok(values)
    }

    /// How many units of a timestamp column make a second.
    pub(super) fn units_per_second(&self, name: &'static str) -> Result<i64, RetailError> {
        let (_, descriptor) = self.descriptor(name)?;
        match descriptor.logical_type_ref() {
            Some(LogicalType::Timestamp(timestamp)) => Ok(match timestamp.unit {
                TimeUnit::MILLIS => 1_000,
                TimeUnit::MICROS => 1_000_000,
                TimeUnit::NANOS => 1_000_000_000,
            }),
            other => Err(wrong_type(name, &other, "a time")),
        }
    }

    fn descriptor(&self, name: &'static str) -> Result<(usize, ColumnDescPtr), RetailError> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        (0..schema.num_columns())
            .map(|index| (index, schema.column(index)))
            .find(|(_, column)| column.path().string() == name)
            .ok_or(RetailError::MissingColumn(name))
    }
}

/// A point in time from a count of units since 1970.
pub(super) fn instant(count: i64, units_per_second: i64) -> Option<DateTime<Utc>> {
    let seconds = count.div_euclid(units_per_second);
    let nanos = count.rem_euclid(units_per_second) * (1_000_000_000 / units_per_second);
    DateTime::from_timestamp(seconds, u32::try_from(nanos).ok()?)
}

fn wrong_type(column: &'static str, found: &dyn std::fmt::Debug, wanted: &'static str) -> RetailError {
    RetailError::ColumnType { column, found: format!("{found:?}"), wanted }
}

fn values<T: DataType>(
    descriptor: &ColumnDescPtr,
    pages: Box<dyn PageReader>,
    rows: usize,
) -> Result<Vec<Option<T::T>>> {
    let mut reader = ColumnReaderImpl::<T>::new(descriptor.clone(), pages);
    let (mut present, mut levels) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    let nullable = descriptor.max_def_level() > 0;
    loop {
        let wanted = rows.max(1);
        let (records, _, _) =
            reader.read_records(wanted, nullable.then_some(&mut levels), None, &mut present)?;
        if records == 0 {
            break;
        }
    }
    if !nullable {
        return Ok(present.into_iter().map(Some).collect());
    }
    // The reader hands out what is there without gaps; the levels say where the gaps belong.
    let mut present = present.into_iter();
    Ok(levels
        .into_iter()
        .map(|level| (level == descriptor.max_def_level()).then(|| present.next()).flatten())
        .collect())
}
