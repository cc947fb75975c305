"""The configuration of a run."""

import datetime as dt
from hashlib import sha256

import pytest

from camwatch.config import RunConfig
from camwatch.errors import ConfigError, MissingInputError
from camwatch.resources import shipped_model

TODAY = dt.date(2014, 1, 5)


def test_defaults_are_complete_and_written_back_whole(tmp_path):
    config = RunConfig.read(None, report_date=TODAY)
    assert RunConfig.model_validate(config.model_dump(mode="json")) == config


def test_a_file_wins_over_the_defaults_and_an_option_over_the_file(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("margin_m: 40\nkinds: [tower]\nreport_date: 2013-02-25\n")
    config = RunConfig.read(path, report_date=TODAY, kinds=("structure",))
    assert (config.margin_m, config.kinds, config.report_date) == (40, ("structure",), dt.date(2013, 2, 25))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("margin: 40\n", "margin"),
        ("margin_m: -1\n", "margin_m"),
        ("kinds: [people]\n", "kinds"),
        ("structure_min_score: 0\n", "structure_min_score"),
        ("structure_views: 3\n", "structure_views"),
        ("- 1\n", "mapping"),
        ("a: [\n", "YAML"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path, text, named):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=named) as told:
        RunConfig.read(path, report_date=TODAY)
    assert "\n" not in str(told.value)
    assert str(path) in str(told.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingInputError, match=r"nowhere\.yaml"):
        RunConfig.read(tmp_path / "nowhere.yaml", report_date=TODAY)


def test_a_model_is_named_by_its_bytes_too(tmp_path):
    path = tmp_path / "own.onnx"
    path.write_bytes(b"one")
    config = RunConfig.read(None, report_date=TODAY, model=str(path))
    assert (config.model_file, config.model_sha256) == (path, sha256(b"one").hexdigest())
    shipped = shipped_model("towers")
    assert shipped is not None
    assert config.tower_model_sha256 == sha256(shipped.read_bytes()).hexdigest()
    again = config.model_dump(mode="json")
    assert RunConfig.read(None, **again | {"report_date": TODAY}) == config
    path.write_bytes(b"another")
    with pytest.raises(ConfigError, match=r"another model than model_sha256 names; got .+; expected "):
        RunConfig.read(None, **again | {"report_date": TODAY})
    assert RunConfig.model_validate(again) == config  # a finished run is read without its model


def test_no_model_is_a_choice_and_a_missing_one_an_error(tmp_path):
    assert RunConfig.read(None, report_date=TODAY, model="none").model_file is None
    assert RunConfig.read(None, report_date=TODAY).model == "shipped"
    with pytest.raises(MissingInputError, match=r"nowhere\.onnx: no such model file"):
        RunConfig.read(None, report_date=TODAY, model=str(tmp_path / "nowhere.onnx"))
    with pytest.raises(ConfigError, match="cannot be read"):
        RunConfig.read(None, report_date=TODAY, model=str(tmp_path))


def test_reference_samples_are_named_by_their_bytes_too(tmp_path):
    samples = tmp_path / "samples.csv"
    with pytest.raises(MissingInputError, match="no such file of reference samples"):
        RunConfig.read(None, report_date=TODAY, land_samples=samples)
    samples.write_text("lon,lat,class\n")
    config = RunConfig.read(None, report_date=TODAY, land_samples=samples)
    assert len(config.land_samples_sha256) == 64
    samples.write_text("lon,lat,class\n1,2,cleared\n")
    with pytest.raises(ConfigError, match="another file of samples than land_samples_sha256 names"):
        RunConfig.read(None, report_date=TODAY, land_samples=samples, land_samples_sha256=config.land_samples_sha256)


def test_days_without_change_are_sorted_and_differ():
    days = [["2012-05-01", "2011-05-01"], ["2010-05-01", "2010-06-01"], ["2011-05-01", "2012-05-01"]]
    config = RunConfig.read(None, report_date=TODAY, unchanged=days)
    assert [[str(day) for day in pair] for pair in config.unchanged] == [["2010-05-01", "2010-06-01"], ["2011-05-01", "2012-05-01"]]
    assert RunConfig.model_validate(config.model_dump(mode="json")) == config
    with pytest.raises(ConfigError, match="unchanged"):
        RunConfig.read(None, report_date=TODAY, unchanged=[["2010-05-01", "2010-05-01"]])
