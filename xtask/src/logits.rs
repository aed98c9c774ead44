//! Logits of test images as lines of comma-separated numbers, from the device and from the host.

use anyhow::{Context, Result, bail};
use mixq_format::argmax;

/// The logits of one image, at least one.
pub type Logits = Vec<i32>;

/// Labels and logits on the host: lines of `label,logit,logit,...`.
#[derive(Debug, PartialEq)]
pub struct Host {
    /// The true class of each image.
    pub labels: Vec<usize>,
    /// The logits of each image.
    pub logits: Vec<Logits>,
}

/// Reads what `cargo mixq eval --logits` writes.
///
/// # Errors
/// The line that is something else.
pub fn parse_host(text: &str) -> Result<Host> {
    let mut host = Host { labels: Vec::new(), logits: Vec::new() };
    for (number, line) in (1..).zip(text.lines()) {
        let wrong = || format!("line {number} is not `label,logit,...`: {line}");
        let (label, logits) = line.split_once(',').with_context(wrong)?;
        host.labels.push(label.parse().with_context(wrong)?);
        host.logits.push(parse_line(logits).with_context(wrong)?);
    }
    Ok(host)
}

/// Reads what the firmware prints: lines of `logit,logit,...`.
///
/// # Errors
/// The line that is something else, such as the message of a panic.
pub fn parse_device(lines: &[String]) -> Result<Vec<Logits>> {
    let parse = |line: &String| parse_line(line).with_context(|| format!("the firmware printed: {line}"));
    lines.iter().map(parse).collect()
}

fn parse_line(line: &str) -> Result<Logits> {
    Ok(line.split(',').map(str::parse).collect::<Result<_, _>>()?)
}

/// Share of images whose largest logit (the first, of equal ones) is that of their label, 0 to 1.
pub fn accuracy(logits: &[Logits], labels: &[usize]) -> f64 {
    let right = logits.iter().zip(labels).filter(|(logits, label)| argmax(logits) == **label);
    right.count() as f64 / labels.len().max(1) as f64
}

/// How the device's logits compare with the host's.
#[derive(Debug, PartialEq)]
pub struct Comparison {
    /// All logits of the host.
    pub total: usize,
    /// How many of them the device has otherwise.
    pub different: usize,
    /// The first of those, in words.
    pub first: Option<String>,
}

/// Compares every logit.
///
/// # Errors
/// If there is not the same number of images, or of logits of an image.
pub fn compare(device: &[Logits], host: &[Logits]) -> Result<Comparison> {
    if device.len() != host.len() {
        bail!("the device answered {} images, the host {}", device.len(), host.len());
    }
    let mut comparison = Comparison { total: 0, different: 0, first: None };
    for (image, (device, host)) in device.iter().zip(host).enumerate() {
        if device.len() != host.len() {
            bail!("image {image} has {} logits on the device, {} on the host", device.len(), host.len());
        }
        comparison.total += host.len();
        for (class, (on_device, on_host)) in device.iter().zip(host).enumerate() {
            if on_device != on_host {
                comparison.different += 1;
                comparison.first.get_or_insert_with(|| {
                    format!(
                        "logit {class} of image {image} is {on_device} on the device, {on_host} on the host"
                    )
                });
            }
        }
    }
    Ok(comparison)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(String::from).collect()
    }

    #[test]
    fn lines_of_device_and_host_are_read() {
        let logits = vec![vec![-52_104, 0, i32::MAX], vec![i32::MIN, 7, -1]];
        assert_eq!(parse_device(&lines("-52104,0,2147483647\n-2147483648,7,-1\n")).unwrap(), logits);
        let host = parse_host("2,-52104,0,2147483647\n1,-2147483648,7,-1\n").unwrap();
        assert_eq!(host, Host { labels: vec![2, 1], logits });
    }

    #[test]
    fn other_lines_are_shown() {
        let error = parse_device(&lines("1,2\npanicked at src/main.rs:26:5:")).unwrap_err();
        assert_eq!(error.to_string(), "the firmware printed: panicked at src/main.rs:26:5:");
        assert!(parse_device(&lines("1,2,")).is_err());
        assert!(parse_device(&lines("1,2147483648")).is_err());
        for (text, line) in [("1,2\n3\n", 2), ("-1,2\n", 1), ("1,\n", 1), ("1,2\n\n", 2)] {
            let error = parse_host(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("line {line} is not ")), "{text:?}: {error}");
        }
    }

    #[test]
    fn the_first_of_equal_logits_decides() {
        let logits = [vec![3, 9, 9], vec![-5, -7, -6], vec![0, 0, 1], vec![1, 1, 1]];
        assert_eq!(accuracy(&logits, &[1, 0, 2, 0]), 1.0);
        assert_eq!(accuracy(&logits, &[2, 0, 2, 1]), 0.5);
    }

    #[test]
    fn every_logit_is_compared() {
        let host = [vec![1, 2], vec![3, 4]];
        let same = Comparison { total: 4, different: 0, first: None };
        assert_eq!(compare(&host.clone(), &host).unwrap(), same);
        let found = compare(&[vec![1, 2], vec![-3, 5]], &host).unwrap();
        assert_eq!((found.total, found.different), (4, 2));
        assert_eq!(found.first.as_deref(), Some("logit 0 of image 1 is -3 on the device, 3 on the host"));
    }

    #[test]
    fn missing_images_and_logits_are_no_agreement() {
        let host = [vec![1, 2], vec![3, 4]];
        let error = compare(&host[..1], &host).unwrap_err().to_string();
        assert_eq!(error, "the device answered 1 images, the host 2");
        let error = compare(&[vec![1, 2], vec![3]], &host).unwrap_err().to_string();
        assert_eq!(error, "image 1 has 1 logits on the device, 2 on the host");
    }
}
