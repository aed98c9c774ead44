//! What a training comes to, and what it says.

use super::*;

#[test]
fn the_integer_network_is_as_good_as_the_fake_quantised_one() {
    for scheme in ["per-layer", "per-channel"] {
        for rounding in ["nearest", "floor"] {
            let training = format!(
                "epochs = 12, quantised-epochs = 6, batch = 16, learning-rate = 0.005, rounding = \
                 {rounding:?}"
            );
            let package = digits(scheme, &training);
            let artifact = train(&package);
            let accuracy = artifact.header.accuracy;
            println!("{scheme} {rounding}: {accuracy:?}");
            assert_eq!(accuracy.test_images, 100);
            assert!(accuracy.float > 0.6 && accuracy.fake_quant > 0.5, "it learns: {accuracy:?}");
            assert!((accuracy.fake_quant - accuracy.integer).abs() < 0.035, "{accuracy:?}");

            let config = package.config();
            let prepared = Prepared::new(&config.models[0], None).unwrap();
            let (graph, allocation) = (&prepared.graph, prepared.allocate().unwrap());
            assert_eq!(artifact.flash_bytes() as u64, allocation.flash);
            assert_eq!(artifact.ram_bytes() as u64, allocation.ram);
            let widths = allocation.activations.iter().chain(allocation.weights.iter().flatten());
            let narrow = widths.filter(|bits| matches!(bits, Bits::B2 | Bits::B4)).count();
            assert!(narrow >= 3, "the budgets cut: {allocation:?}");
            let dataset =
                Dataset::load(&config.models[0].dataset, &graph.inputs, graph.outputs(), &mut ()).unwrap();
            let logits = evaluate::logits(&artifact, &dataset.test).unwrap();
            assert_eq!(evaluate::score(&artifact, &logits, &dataset.test), accuracy.integer);
            assert_eq!(
                report::Report::new(&mixq_build::engine::target::Placed::least(&artifact)).integer_accuracy,
                Some(accuracy.integer)
            );
            let state = artifact::state(&package.artifact(), &prepared.fingerprint).unwrap();
            assert_eq!(state, State::Fresh(Box::new(artifact)));
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let package = digits("per-layer", SHORT);
    train(&package);
    let first = bytes(&package);
    train(&package);
    assert!(bytes(&package) == first);
    let other = digits("per-layer", &format!("{SHORT}, seed = 2"));
    assert_ne!(train(&other).parameters, Artifact::from_bytes(&first).unwrap().parameters);
}

/// What the float network minds least is cut, within the budgets; the kernels agree with fake quantisation
/// there, too.
#[test]
fn bits_by_sensitivity() {
    let package =
        digits("per-channel", "epochs = 12, quantised-epochs = 6, batch = 16, learning-rate = 0.005");
    package.replace("Cargo.toml", "scheme =", "policy = \"sensitivity\"\nscheme =");
    let artifact = train(&package);
    let config = package.config();
    assert!(artifact.flash_bytes() as u64 <= config.models[0].flash);
    assert!(artifact.ram_bytes() as u64 <= config.models[0].ram);
    let report = report::Report::new(&mixq_build::engine::target::Placed::least(&artifact));
    let widths = report.weight_bits.iter().chain(&report.activation_bits);
    assert!(widths.filter(|bits| **bits < 8).count() >= 3, "the budgets cut: {report:?}");
    let accuracy = artifact.header.accuracy;
    println!("{accuracy:?} {:?} {:?}", report.weight_bits, report.activation_bits);
    assert!(
        accuracy.fake_quant > 0.5 && (accuracy.fake_quant - accuracy.integer).abs() < 0.035,
        "{accuracy:?}"
    );
}

#[test]
fn a_network_with_a_global_max_pool_is_trained_and_answers_alike() {
    let package =
        digits("per-channel", "epochs = 12, quantised-epochs = 6, batch = 16, learning-rate = 0.005");
    package.replace("net.toml", "{ op = \"average_pool\", kernel = 2 }", "{ op = \"global_max_pool\" }");
    let artifact = train(&package);
    let kinds: Vec<String> = artifact.layers().iter().map(|layer| layer.kind().to_string()).collect();
    assert_eq!(kinds[kinds.len() - 2..], ["max pool 4x4", "linear"]);
    let accuracy = artifact.header.accuracy;
    println!("{accuracy:?}");
    assert!(accuracy.integer > 0.3 && accuracy.disagreements <= 3, "{accuracy:?}");
}

#[test]
fn the_pace_is_told_of_every_turn() {
    let package = digits("per-channel", SHORT);
    let config = package.config();
    let prepared = Prepared::new(&config.models[0], None).unwrap();
    let (graph, allocation) = (&prepared.graph, prepared.allocate().unwrap());
    let model = &config.models[0];
    let dataset = Dataset::load(&model.dataset, &graph.inputs, graph.outputs(), &mut ()).unwrap();
    let job = Job {
        graph,
        allocation: &allocation,
        choose: None,
        scheme: model.scheme,
        normalisations: &[],
        initial: None,
        settings: &model.training,
        dataset: &dataset,
    };
    let paces = pace(job, 2).unwrap();
    assert_eq!(paces.len(), 2);
    assert!(paces.iter().all(|pace| pace.float > 1.0 && pace.quantised > 1.0), "{paces:?}");
}

#[test]
fn the_course_of_a_training_stands_in_json_lines() {
    let package = digits("per-channel", SHORT);
    train(&package);
    let text = std::fs::read_to_string(scratch(&package).join("tiny-metrics.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let phase = |line: &serde_json::Value| {
        (line["phase"].as_str().unwrap().to_string(), line["epoch"].as_u64().unwrap())
    };
    let phases: Vec<_> = lines.iter().map(phase).collect();
    let expected = [("float", 1), ("float", 2), ("quantised", 1), ("quantised", 2)];
    assert_eq!(phases, expected.map(|(phase, epoch)| (phase.to_string(), epoch)));
    for line in lines {
        for key in ["loss", "validation_accuracy", "learning_rate", "images_per_second"] {
            assert!(line[key].as_f64().unwrap() >= 0.0, "{key} of {line}");
        }
        // So small a network has one thread on any machine.
        assert_eq!(line["threads"], 1);
        assert!(line["cpu"].as_str().is_some_and(|cpu| !cpu.is_empty()), "{line}");
    }
}

#[test]
fn half_a_line_of_metrics_does_not_spoil_the_next() {
    let package = digits("per-channel", SHORT);
    std::fs::create_dir(scratch(&package)).unwrap();
    let path = scratch(&package).join("tiny-metrics.jsonl");
    std::fs::write(&path, "{\"epoch\":1}\n{\"epoch\":2,\"lo").unwrap();
    train(&package);
    let text = std::fs::read_to_string(&path).unwrap();
    let epochs = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let epochs: Vec<_> = epochs.map(|line| line["epoch"].as_u64().unwrap()).collect();
    assert_eq!(epochs, [1, 1, 2, 1, 2]);
}

#[test]
fn cuda_that_is_not_there_is_an_error() {
    let package = digits("per-channel", &format!("{SHORT}, device = \"cuda\""));
    match train_with(&package, false, &mut ()) {
        Ok(_) => println!("not tested: there is a GPU"),
        Err(error) => {
            let error = error.to_string();
            assert!(error.contains("`device` is \"cuda\", but this libtorch has no CUDA"), "{error}");
            assert!(error.contains("device = \"auto\""), "{error}");
        }
    }
}

#[test]
fn what_cannot_be_trained_is_an_error_in_words() {
    let package = digits("per-channel", SHORT);
    std::fs::write(scratch(&package), b"a file in the folder's place").unwrap();
    let error = train_with(&package, false, &mut ()).unwrap_err().to_string();
    assert!(error.contains("cannot write ") && error.contains("scratch"), "{error}");
    assert!(!package.artifact().exists());

    std::fs::remove_file(scratch(&package)).unwrap();
    train(&package);
    std::fs::remove_file(package.artifact()).unwrap();
    let checkpoint = &checkpoints(&package, "quantised")[0];
    std::fs::remove_file(checkpoint).unwrap();
    std::fs::create_dir(checkpoint).unwrap();
    let error = train_with(&package, false, &mut ()).unwrap_err().to_string();
    assert!(error.contains("cannot write the checkpoint ") && error.contains("quantised-"), "{error}");
    assert!(!package.artifact().exists());
    std::fs::remove_file(package.path("images.csv")).unwrap();
    let error = train_with(&package, false, &mut ()).unwrap_err().to_string();
    assert!(error.contains("Cargo.toml:") && error.contains("there is no dataset at "), "{error}");
}
