//! What a person reads.

use super::{baseline, ends, figure, waiting};
use crate::contestant::Waiting;
use crate::plan::Metric;
use crate::sheet::{Row, Sheet};
use crate::stats::Summary;
use crate::weather::Sky;

/// A sheet: a table for each metric.
pub fn sheet(sheet: &Sheet, named: Option<&str>) -> String {
    let tables = (0..sheet.cell.metrics().len()).map(|metric| table(sheet, metric, named));
    tables.collect::<Vec<_>>().join("\n")
}

fn table(sheet: &Sheet, metric: usize, named: Option<&str>) -> String {
    let about = sheet.cell.metrics()[metric];
    let title = sheet.title(metric);
    let direction = if about.less { "less is better" } else { "more is better" };
    let mut text = format!("{title}, {} ({direction})\n{}", about.unit, aligned(&lines(sheet, metric, named)));
    if metric == 0 {
        for row in &sheet.rows {
            if let Some(why) = &row.failure {
                text += &format!("  {}: {why}\n", row.card.name);
            }
        }
    }
    text
}

/// The table of a metric: its header, and a line a contestant. The name, the version, the ends, the waiting; figures; the mode.
pub fn lines(sheet: &Sheet, metric: usize, named: Option<&str>) -> Vec<Vec<String>> {
    let header = header(sheet, &sheet.cell.metrics()[metric], named);
    let rows = ordered(sheet, metric).into_iter().map(|row| cells(sheet, row, metric, named));
    std::iter::once(header).chain(rows).collect()
}

/// Best first; in round trips first by how they wait, since who sleeps is no match for who spins.
fn ordered(sheet: &Sheet, metric: usize) -> Vec<&Row> {
    let less = sheet.cell.metrics()[metric].less;
    let key = |row: &Row| {
        let group = match (sheet.cell.is_trips(), row.card.waiting) {
            (true, Waiting::Default) => 1,
            (true, Waiting::Sleeps) => 2,
            _ => 0,
        };
        let median = row.median(metric).map(|median| if less { median } else { -median });
        (group, median.unwrap_or(f64::INFINITY))
    };
    let mut rows: Vec<&Row> = sheet.rows.iter().collect();
    rows.sort_by(|a, b| {
        let (a, b) = (key(a), key(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    rows
}

fn header(sheet: &Sheet, about: &Metric, named: Option<&str>) -> Vec<String> {
    let ratio = format!("{}/it", named.unwrap_or("ringway"));
    let mut header: Vec<String> =
        ["contestant", "version", "ends", "waiting", "median", "[min max]", "95 %", &ratio, "near", "far"]
            .map(str::to_owned)
            .into();
    header.extend(match about.id {
        _ if sheet.cell.is_trips() => vec!["p50 p99 p99.9 of single trips".to_owned()],
        _ if sheet.cell.is_of_times(about) => vec!["p50 p99 of all".to_owned()],
        _ if !sheet.cell.is_bursts() => vec![],
        "sleeps" => vec!["system calls a message, traced".to_owned()],
        "cpu_percent" => vec![],
        _ => vec!["p50 p99 of all".to_owned()],
    });
    header.push("mode".to_owned());
    header
}

fn cells(sheet: &Sheet, row: &Row, metric: usize, named: Option<&str>) -> Vec<String> {
    let about = sheet.cell.metrics()[metric];
    let all = row.summary(metric, None);
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let under = |sky| {
        or_none(row.summary(metric, Some(sky)).map(|summary| format!("{} ({})", figure(summary.median), summary.count)))
    };
    let ratio = baseline(sheet, row, named).and_then(|base| base.over(row, metric, None));
    let mut cells = vec![
        row.card.name.to_owned(),
        row.card.version.to_owned(),
        ends(row.ends).to_owned(),
        waiting(row.card.waiting).to_owned(),
        all.map_or_else(
            || if row.failure.is_some() { "failed".to_owned() } else { "-".to_owned() },
            |all| figure(all.median),
        ),
        or_none(all.map(|all| format!("[{} {}]", figure(all.min), figure(all.max)))),
        or_none(all.map(|all| format!("{} to {}", figure(all.low), figure(all.high)))),
        or_none(ratio.map(|ratio| self::ratio(&ratio))),
        under(Sky::Near),
        under(Sky::Far),
    ];
    cells.extend(match about.id {
        "cpu_percent" => None,
        _ if sheet.cell.is_trips() => Some(quantiles(row, "trip", &[0.5, 0.99, 0.999], 1.0)),
        _ if sheet.cell.is_of_times(&about) => Some(quantiles(row, about.id, &[0.5, 0.99], 1e3)),
        _ if !sheet.cell.is_bursts() => None,
        "first_us" => Some(quantiles(row, "first", &[0.5, 0.99], 1e3)),
        "last_us" => Some(quantiles(row, "last", &[0.5, 0.99], 1e3)),
        "whole_us" => Some(quantiles(row, "whole", &[0.5, 0.99], 1e3)),
        _ => Some(match &row.system_calls {
            Some(Ok(calls)) => format!("{calls:.3}"),
            Some(Err(why)) => why.clone(),
            None => "-".to_owned(),
        }),
    });
    cells.push(row.card.mode.to_owned());
    cells
}

/// `1.23 [1.10 1.31]`.
pub fn ratio(ratio: &Summary) -> String {
    format!("{:.2} [{:.2} {:.2}]", ratio.median, ratio.low, ratio.high)
}

fn quantiles(row: &Row, what: &str, quantiles: &[f64], unit_ns: f64) -> String {
    let Some(histogram) = row.histogram(what) else { return "-".to_owned() };
    let each = quantiles.iter().map(|&quantile| figure(histogram.value_at_quantile(quantile) as f64 / unit_ns));
    each.collect::<Vec<_>>().join(" ")
}

/// Columns as wide as what stands in them: names and modes to the left, figures to the right.
pub fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            let is_text = column < 4 || column + 1 == columns;
            if is_text { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        text += "  ";
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let lines = [["a", "", "", "", "1.0", "x"], ["bcd", "", "", "", "10.0", "yy"]];
        let lines = lines.map(|line| line.map(str::to_owned).to_vec());
        assert_eq!(aligned(&lines), "  a           1.0  x\n  bcd        10.0  yy\n");
    }
}
