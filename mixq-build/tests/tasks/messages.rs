//! Data that do not fit the task: what is said.

use super::*;

const TWO: &str = r#"
input = [2, 2, 1]
layer = [{ op = "linear", features = 2 }]
"#;

fn with(task: &str, rows: &str, dataset: &str) -> Package {
    package(task, TWO, rows, dataset, "")
}

#[test]
fn targets_that_are_not_numbers_name_row_and_column() {
    let rows = "0,0,1,2,0.5,1\n0,3,1,2,nan,2\n9,0,1,2,inf,2\n9,0,1,2,1,tall\n1,1,1,1,1,1\n";
    let said = refused(&with("regression", rows, ""));
    for expected in [
        "row 2: column 5: target `nan` is not a finite number",
        "row 3: column 5: target `inf` is not a finite number",
        "row 4: column 6: target `tall` is not a finite number",
    ] {
        assert!(said.contains(expected), "{expected} is not in {said}");
    }
    assert!(!said.contains("row 1:") && !said.contains("row 5:"), "{said}");
}

#[test]
fn columns_that_are_not_there_are_named_with_those_that_are() {
    let rows = "a,b,c,d,height,width\n0,0,1,2,0.5,1\n";
    let said = refused(&with("regression", rows, ", targets = [\"hight\", \"width\"]"));
    assert!(said.contains("no column has the name `hight`") && said.contains("`height`"), "{said}");
    let said = refused(&with("regression", rows, ", targets = \"width\""));
    assert!(said.contains("names 1 columns, but a regression network of 2 outputs has 2"), "{said}");
    let said = refused(&with("regression", "0,0,1,2,0.5,1\n", ", targets = [\"height\", \"width\"]"));
    assert!(said.contains("row 1: it has numbers only, but `targets` names"), "{said}");
    let said = refused(&with("regression", "0,0,1,2,1\n3,0,1,2,1\n", ""));
    assert!(said.contains("found 5 columns = 3 pixels + 2 targets"), "{said}");
    let said = refused(&with("classification", rows, ", targets = [\"height\", \"width\"]"));
    assert!(said.contains("names 2 columns, but a classification network of 2 outputs has 1"), "{said}");
}

#[test]
fn targets_that_are_always_the_same_are_refused() {
    let rows = (0..20).map(|row| format!("{row},1,2,3,{row},5\n")).collect::<String>();
    let said = refused(&with("regression", &rows, ""));
    assert!(said.contains("in all training images output `1` is 5"), "{said}");
}

#[test]
fn classes_are_not_quantities() {
    let package = with("regression", "", "");
    for class in ["cat", "dog"] {
        std::fs::create_dir_all(package.path(&format!("images.csv.d/{class}"))).unwrap();
        package.write(&format!("images.csv.d/{class}/a.png"), "");
    }
    package.replace("Cargo.toml", "images.csv", "images.csv.d");
    let said = refused(&package);
    assert!(
        said.contains("says a class for each image (cat, dog), but task = \"regression\" wants"),
        "{said}"
    );
    assert!(said.contains("set task = \"classification\""), "{said}");
}

#[test]
fn labels_are_flags() {
    let said = refused(&with("multi-label", "0,0,1,2,1,0\n0,3,1,2,2,1\n0,3,1,2,0.5,1\n", ""));
    for expected in
        ["row 2: column 5: target `2` is not 0 or 1", "row 3: column 5: target `0.5` is not 0 or 1"]
    {
        assert!(said.contains(expected), "{said}");
    }
    let rows = (0..20).map(|row| format!("{row},1,2,3,{},0\n", row % 2)).collect::<String>();
    let said = refused(&with("multi-label", &rows, ""));
    assert!(said.contains("no training image has the label `1`"), "{said}");
}

#[test]
fn a_reconstruction_reads_codes_of_8_bits() {
    let network = "input = [1, 1, 4]\nlayer = [{ op = \"linear\", features = 4 }]\n";
    let package = package("reconstruction", network, "", ", input = { bits = 4 }", "");
    let config = package.config();
    let said = Prepared::new(&config.models[0], None).expect_err("it is refused").to_string();
    let expected = "its input has 4 bits, but a reconstruction compares its outputs with codes of 8 bits; \
                    leave `bits` out of `input` in the dataset's table";
    assert!(said.contains(expected), "{said}");
}
