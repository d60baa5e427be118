//! Pages compressed with Zstandard, which is what the data's file uses, decoded without a C library.
//!
//! The parquet crate decodes Zstandard only through the C library. Told that the column is not compressed, its page
//! reader parses the headers and hands the pages over as they lie in the file; here they are decompressed on their way
//! to the column reader.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;
use ruzstd::decoding::StreamingDecoder;

/// What a page may become at most: the usual limit of writers is 1 MiB, and a damaged file must not fill the memory.
const PAGE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A page reader for one Zstandard-compressed column of one row group.
pub(super) struct ZstdPages<R: ChunkReader> {
    raw: SerializedPageReader<R>,
}

impl<R: ChunkReader> ZstdPages<R> {
    /// The pages of `column` in `file`, of a row group of this many rows.
    pub(super) fn new(file: Arc<R>, column: &ColumnChunkMetaData, rows: usize) -> Result<Self> {
        let raw_column = column.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
        Ok(Self { raw: SerializedPageReader::new(file, &raw_column, rows, None)? })
    }
}

impl<R: ChunkReader> PageReader for ZstdPages<R> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.raw.get_next_page()?.map(decompressed).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.raw.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.raw.skip_next_page()
    }
}

impl<R: ChunkReader> Iterator for ZstdPages<R> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

fn decompressed(mut page: Page) -> Result<Page> {
    match &mut page {
        Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => {
            *buf = inflate(&[], buf)?;
        }
        Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, is_compressed, .. } => {
            // The levels of a second-version page stand before the values and are never compressed.
            let levels = (*def_levels_byte_len + *rep_levels_byte_len) as usize;
            if levels > buf.len() {
                return Err(ParquetError::General("page shorter than its levels".into()));
            }
            if *is_compressed && levels < buf.len() {
                *buf = inflate(&buf[..levels], &buf[levels..])?;
            }
            *is_compressed = false;
        }
    }
    Ok(page)
}

fn inflate(levels: &[u8], values: &[u8]) -> Result<Bytes> {
    let failed = |error: String| ParquetError::General(format!("zstd page: {error}"));
    let mut plain = levels.to_vec();
    let decoder = StreamingDecoder::new(values).map_err(|error| failed(error.to_string()))?;
    let inflated =
        decoder.take(PAGE_BYTES_MAX).read_to_end(&mut plain).map_err(|error| failed(error.to_string()))?;
    if inflated as u64 == PAGE_BYTES_MAX {
        return Err(failed(format!("larger than {PAGE_BYTES_MAX} bytes")));
    }
    Ok(plain.into())
}

#[cfg(test)]
mod tests {
    use parquet::basic::Encoding;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn second_version_page(levels: &[u8], values: &[u8], is_compressed: bool) -> Page {
        Page::DataPageV2 {
            buf: [levels, values].concat().into(),
            num_values: 3,
            encoding: Encoding::PLAIN,
            num_nulls: 0,
            num_rows: 3,
            def_levels_byte_len: levels.len() as u32,
            rep_levels_byte_len: 0,
            is_compressed,
            statistics: None,
        }
    }

    #[test]
    fn levels_before_compressed_values_stay_as_they_are() {
        let values = b"forty forty forty forty-two".repeat(20);
        let packed = compress_to_vec(values.as_slice(), CompressionLevel::Fastest);
        let page = decompressed(second_version_page(b"lev", &packed, true)).expect("a good page");
        assert_eq!(page.buffer().as_ref(), [b"lev".as_slice(), &values].concat());
        let plain = decompressed(second_version_page(b"lev", &values, false)).expect("plain");
        assert_eq!(plain.buffer().as_ref(), [b"lev".as_slice(), &values].concat());
    }

    #[test]
    fn a_damaged_page_is_an_error() {
        let page = Page::DictionaryPage {
            buf: Bytes::from_static(b"this is no zstandard frame"),
            num_values: 1,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        assert!(decompressed(page).is_err());
    }
}
