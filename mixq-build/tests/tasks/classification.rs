//! What classification offers beside the class.

use mixq_tests::digits::digits;

use super::*;

#[test]
fn probabilities_ranks_and_confusions_are_those_of_the_logits() {
    let package =
        digits("per-channel", "epochs = 6, quantised-epochs = 3, batch = 16, learning-rate = 0.005");
    let trained = train(&package);
    let Trained { artifact, dataset, logits, warnings } = &trained;
    let header = &artifact.header;
    assert!(warnings.is_empty(), "{warnings:?}");
    println!("{}", report(artifact).details);
    for (image, line) in on_device("classification", &trained, 20).iter().enumerate() {
        let logits = &logits[10 * image..][..10];
        let mut order: Vec<usize> = (0..10).collect();
        order.sort_by_key(|class| (std::cmp::Reverse(logits[*class]), *class));
        let [class, top, probabilities] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!((class, top), (&*order[0].to_string(), &*list(&order[..2])));
        let powers: Vec<f64> =
            logits.iter().map(|l| (f64::from(l - logits[order[0]]) * header.logit_scale).exp()).collect();
        let sum: f64 = powers.iter().sum();
        for (found, power) in probabilities.split(',').zip(powers) {
            assert!((found.parse::<f64>().unwrap() - 255.0 * power / sum).abs() < 0.6, "{line}");
        }
    }
    let figures = report(artifact).figures.unwrap();
    let labels = dataset.test.targets.labels();
    let answers: Vec<u16> = logits.chunks(10).map(|logits| mixq_format::argmax(logits) as u16).collect();
    let mut right = 0;
    for class in 0..10u16 {
        for answer in 0..10u16 {
            let pairs = labels.iter().zip(&answers);
            let count = pairs.filter(|pair| *pair == (&class, &answer)).count();
            assert_eq!(figures["confusion"][usize::from(class)][usize::from(answer)], count);
            right += if class == answer { count } else { 0 };
        }
        let images = labels.iter().filter(|label| **label == class).count();
        assert_eq!(figures["classes"][usize::from(class)]["images"], images);
    }
    assert_eq!(right as f64 / 100.0, header.accuracy.integer);
}

/// 190 dark images and 10 bright ones that a few dark ones resemble.
fn rare() -> String {
    let mut rng = Rng::with_seed(3);
    let mut text = String::new();
    for image in 0..400 {
        let is_rare = image % 20 == 0;
        for _ in 0..4 {
            let _ = write!(text, "{},", rng.u8(0..120) + if is_rare { 40 } else { 0 });
        }
        let _ = writeln!(text, "{}", u8::from(is_rare));
    }
    text
}

#[test]
fn a_rare_class_is_warned_of_and_can_count_more() {
    let network = "input = [2, 2, 1]\nlayer = [{ op = \"linear\", features = 2 }]\n";
    let found = |training: &str| {
        let training =
            format!("epochs = 10, quantised-epochs = 5, shift = 0, learning-rate = 0.02{training}");
        let package = package("classification", network, &rare(), "", &training);
        let Trained { artifact, warnings, .. } = train(&package);
        let figures = report(&artifact).figures.unwrap();
        println!("{training}: {}", report(&artifact).details);
        (figures["classes"][1]["recall"].as_f64().unwrap(), warnings.join("\n"))
    };
    let (plain, warnings) = found("");
    assert!(
        warnings.contains("few training images are of class 1 (") && warnings.contains("class-weights"),
        "{warnings}"
    );
    let (balanced, warnings) = found(", class-weights = \"balanced\"");
    assert!(!warnings.contains("few training images"), "{warnings}");
    assert!(balanced >= plain + 0.25, "{balanced} {plain}");
}
