//! Both forms of the data, with invented rows; and the real file where it is to be had.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::*;

/// One invented row: invoice, sku, name, quantity, price, customer.
type Invented<'a> = (&'a str, &'a str, &'a str, i32, f64, i32);

const MORNING_NANOS: i64 = 1_709_284_500_000_000_000; // 2024-03-01T09:15:00Z

fn write_column<T: DataType>(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>, values: &[T::T]) {
    let mut column = group.next_column().expect("writable").expect("a column is left");
    let present = vec![1_i16; values.len()];
    column.typed::<T>().write_batch(values, Some(&present), None).expect("written");
    column.close().expect("closed");
}

/// A parquet file as pandas would write it, in two row groups.
fn parquet_of(rows: &[Invented<'_>], compression: Compression) -> Vec<u8> {
    let schema = parse_message_type(
        "message schema { optional int64 ts (TIMESTAMP(NANOS,false)); optional binary invoice (STRING);
         optional binary sku (STRING); optional binary name (STRING); optional int32 qty;
         optional double unit_price; optional int32 customer_id; optional binary country (STRING); }",
    )
    .expect("a schema");
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer =
        SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties)).expect("a writer");
    let text = |word: &str| ByteArray::from(word.as_bytes().to_vec());
    for part in rows.chunks(rows.len().div_ceil(2).max(1)) {
        let mut group = writer.next_row_group().expect("a group");
        let texts = |field: fn(&Invented<'_>) -> String| -> Vec<ByteArray> {
            part.iter().map(|row| text(&field(row))).collect()
        };
        let times: Vec<i64> = part.iter().map(|_| MORNING_NANOS).collect();
        write_column::<Int64Type>(&mut group, &times);
        write_column::<ByteArrayType>(&mut group, &texts(|row| row.0.to_owned()));
        write_column::<ByteArrayType>(&mut group, &texts(|row| row.1.to_owned()));
        write_column::<ByteArrayType>(&mut group, &texts(|row| row.2.to_owned()));
        let quantities: Vec<i32> = part.iter().map(|row| row.3).collect();
        write_column::<Int32Type>(&mut group, &quantities);
        let prices: Vec<f64> = part.iter().map(|row| row.4).collect();
        write_column::<DoubleType>(&mut group, &prices);
        let customers: Vec<i32> = part.iter().map(|row| row.5).collect();
        write_column::<Int32Type>(&mut group, &customers);
        write_column::<ByteArrayType>(&mut group, &texts(|_| "Germany".to_owned()));
        group.close().expect("closed");
    }
    writer.into_inner().expect("finished")
}

fn read_rows(rows: &[Invented<'_>]) -> RetailData {
    let file = parquet_of(rows, Compression::UNCOMPRESSED);
    parquet_file::read(file.as_slice()).expect("readable")
}

#[test]
fn a_written_file_reads_back_whatever_its_compression() {
    let rows = [
        ("1", "A", "KETTLE", 2, 4.25, 41),
        ("1", "B", "GARLAND", 12, 0.85, 41),
        ("2", "A", "KETTLE", 1, 4.25, 0),
    ];
    let plain = read_rows(&rows);
    let snappy = parquet_of(&rows, Compression::SNAPPY);
    assert_eq!(plain, parquet_file::read(snappy.as_slice()).expect("snappy"));
    assert_eq!(plain.orders.len(), 2);
    assert_eq!(plain.products.len(), 2);
    let first = &plain.orders[0];
    assert_eq!(first.placed_at.to_rfc3339(), "2024-03-01T09:15:00+00:00");
    assert_eq!((first.customer_id.as_str(), first.country), ("41", "DE"));
    assert_eq!(plain.orders[1].customer_id, "guest-2");
    let kettle = &plain.products[0];
    assert_eq!((kettle.price_minor, kettle.quantity), (425, 3 * 2 + 1_000));
    assert_eq!(kettle.id, Uuid::new_v5(&NAMESPACE, b"A"));
}

#[test]
fn what_pandas_writes_with_zstandard_is_read_with_either_page_version() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/retail/testdata");
    for file in ["invented-zstd.parquet", "invented-zstd-v2-pages.parquet"] {
        let data = read(folder.join(file)).expect(file);
        assert_eq!(data.report.rows, 5, "{file}");
        assert_eq!(data.report.skipped.non_positive_prices, 1, "{file}");
        assert_eq!(data.report.lines_merged, 1, "{file}");
        let names: Vec<&str> = data.products.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["BLUE TIN KETTLE", "PAPER GARLAND £1"], "{file}");
        let quantities: Vec<Vec<u32>> =
            data.orders.iter().map(|order| order.lines.iter().map(|line| line.1).collect()).collect();
        assert_eq!(quantities, [vec![3, 12], vec![1]], "{file}");
        let customers: Vec<&str> = data.orders.iter().map(|o| o.customer_id.as_str()).collect();
        assert_eq!(customers, ["41", "guest-900002"], "{file}");
        assert_eq!(data.orders[1].country, "IE");
        // One kettle at 3.95, catalogue price 4.25.
        assert_eq!(data.report.lines_at_other_price, 1);
        assert_eq!(data.report.value_difference_minor, 30);
    }
}

#[test]
fn the_usual_price_is_that_of_most_units_and_of_equals_the_lower() {
    let data = read_rows(&[
        ("1", "A", "KETTLE", 1, 5.0, 1),
        ("2", "A", "KETTLE", 1, 5.0, 1),
        ("3", "A", "KETTLE", 3, 4.0, 1),
        ("4", "B", "GARLAND", 2, 0.95, 1),
        ("5", "B", "GARLAND", 2, 0.85, 1),
    ]);
    let prices: Vec<i64> = data.products.iter().map(|p| p.price_minor).collect();
    assert_eq!(prices, [400, 85]);
    assert_eq!(data.report.lines_at_other_price, 3);
    // Two kettles a pound cheaper than invoiced, two garlands ten pence cheaper.
    assert_eq!(data.report.value_difference_minor, -200 - 20);
}

#[test]
fn the_most_frequent_description_is_the_name_and_none_falls_back_to_the_code() {
    let data = read_rows(&[
        ("1", "A", "damaged?", 100, 1.0, 1),
        ("2", "A", "KETTLE ", 1, 1.0, 1),
        ("3", "A", " KETTLE", 1, 1.0, 1),
        ("4", "B", " ", 1, 1.0, 1),
    ]);
    let names: Vec<&str> = data.products.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["KETTLE", "B"]);
}

#[test]
fn lines_of_one_product_are_merged_at_the_place_of_the_first() {
    let data = read_rows(&[
        ("1", "A", "KETTLE", 2, 4.25, 1),
        ("1", "B", "GARLAND", 1, 0.85, 1),
        ("1", "A", "KETTLE", 3, 4.25, 1),
    ]);
    assert_eq!(data.report.lines_merged, 1);
    let lines: Vec<u32> = data.orders[0].lines.iter().map(|line| line.1).collect();
    assert_eq!(lines, [5, 1]);
    assert_eq!(data.orders[0].lines[0].0, data.products[0].id);
}

#[test]
fn an_invoice_of_more_than_a_hundred_lines_becomes_several_orders_with_stable_ids() {
    let skus: Vec<String> = (0..205).map(|n| format!("S{n:03}")).collect();
    let rows: Vec<Invented<'_>> = skus.iter().map(|sku| ("7", sku.as_str(), "THING", 1, 1.0, 1)).collect();
    let data = read_rows(&rows);
    let sizes: Vec<usize> = data.orders.iter().map(|order| order.lines.len()).collect();
    assert_eq!(sizes, [100, 100, 5]);
    assert_eq!((data.report.invoices, data.report.invoices_split), (1, 1));
    let ids: std::collections::HashSet<Uuid> = data.orders.iter().map(|o| o.order_id).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(data.orders[2].order_id, Uuid::new_v5(&NAMESPACE, b"order/7/3"));
    assert_eq!(read_rows(&rows).orders, data.orders);
}

#[test]
fn a_quantity_over_the_bound_continues_in_the_next_order() {
    let data = read_rows(&[("8", "A", "CRAFT", 24_000, 0.1, 1), ("8", "B", "THING", 10_000, 1.0, 1)]);
    let quantities: Vec<Vec<u32>> =
        data.orders.iter().map(|order| order.lines.iter().map(|line| line.1).collect()).collect();
    assert_eq!(quantities, [vec![10_000, 10_000], vec![10_000], vec![4_000]]);
    assert_eq!(data.report.lines_over_quantity_bound, 1);
    assert_eq!(data.products[0].quantity, 24_000 * 2 + 1_000);
}

#[test]
fn quantities_and_prices_beyond_belief_are_skipped() {
    let data = read_rows(&[
        ("8", "A", "CRAFT", i32::MAX, 0.1, 1),
        ("8", "A", "CRAFT", 1, 1e15, 1),
        ("8", "A", "CRAFT", 1, f64::NAN, 1),
    ]);
    assert_eq!(data.report.skipped.malformed, 3);
    assert!(data.orders.is_empty() && data.products.is_empty());
}

const PUBLIC: &[u8] =
    b"\xEF\xBB\xBFInvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536370,22728,ALARM CLOCK BAKELIKE PINK,24,12/1/2010 8:45,3.75,12583,France
536365,85123A,\"HANGING HEART, WHITE\",6,12/1/2010 8:26,2.55,17850,United Kingdom
536365,85123A,\"HANGING HEART, WHITE\",4,12/1/2010 8:26,2.55,17850.0,United Kingdom
C536379,D,Discount,-1,12/1/2010 9:41,27.5,14527,United Kingdom
536414,22139,,56,12/1/2010 11:52,0,,United Kingdom
536415,22139,\xA3 SIGN,-2,12/1/2010 11:52,1.25,,United Kingdom
536416,22139,\xA3 SIGN,2,12/1/2010 11:53,1.25,,RSA
536417,22139,x,two,12/1/2010 11:53,1.25,,United Kingdom
536418,22139,x,2,yesterday,1.25,,United Kingdom
536419
";

#[test]
fn the_public_csv_is_read_in_time_order_and_its_odd_rows_are_counted() {
    let data = public_csv::read(PUBLIC).expect("readable");
    let orders: Vec<(&str, &str, &str)> =
        data.orders.iter().map(|o| (o.invoice.as_str(), o.customer_id.as_str(), o.country)).collect();
    assert_eq!(
        orders,
        [("536365", "17850", "GB"), ("536370", "12583", "FR"), ("536416", "guest-536416", "ZA")]
    );
    assert_eq!(data.orders[0].placed_at.to_rfc3339(), "2010-12-01T08:26:00+00:00");
    assert_eq!(data.orders[0].lines[0].1, 10);
    assert_eq!(data.products[1].name, "HANGING HEART, WHITE");
    assert_eq!(data.products[2].name, "£ SIGN");
    assert_eq!(data.report.rows, 10);
    let skipped =
        Skipped { cancellations: 1, non_positive_quantities: 1, non_positive_prices: 1, malformed: 3 };
    assert_eq!(data.report.skipped, skipped);
}

#[test]
fn a_file_that_is_neither_form_says_what_is_missing() {
    let missing = public_csv::read(b"a,b\n1,2\n".as_slice()).expect_err("no columns");
    assert_eq!(missing.to_string(), "the file has no column InvoiceNo");
    assert!(parquet_file::read(b"not parquet at all".as_slice()).is_err());
    let absent = read("no/such/file.parquet").expect_err("absent");
    assert_eq!(absent.to_string(), "cannot open no/such/file.parquet");
}

fn real_file() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/retail_tx.train.parquet");
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: ../shared/data/retail_tx.train.parquet is absent; the real data was not read");
    None
}

#[test]
fn the_real_file_loads_in_seconds_and_keeps_every_unit() {
    let Some(path) = real_file() else { return };
    let started = std::time::Instant::now();
    let data = read(path).expect("readable");
    println!("read in {:.2?}\n{}", started.elapsed(), data.report);
    let report = data.report;
    assert_eq!((report.rows, report.skipped.total()), (361_471, 0));
    assert_eq!((report.invoices, data.products.len()), (14_186, 3_639));
    assert_eq!(report.invoices_split, 440);
    let units: u64 = data.orders.iter().flat_map(|order| &order.lines).map(|line| u64::from(line.1)).sum();
    let stocked: i64 = data.products.iter().map(|product| product.quantity - 1_000).sum();
    assert_eq!(units * 2, stocked as u64);
    assert!(data.orders.iter().all(|order| {
        (1..=LINES_MAX).contains(&order.lines.len())
            && order.country != "XX"
            && order.lines.iter().all(|line| line.1 > 0 && line.2 > 0)
    }));
    assert!(data.orders.is_sorted_by_key(|order| order.placed_at));
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}
