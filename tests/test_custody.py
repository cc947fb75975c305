"""Hashes, manifests, verification; steps that are done once."""

import json

import pytest

from camwatch.custody import MANIFEST, canonical, digest_of, verify, write_json, write_manifest
from camwatch.errors import CustodyError, MissingInputError
from camwatch.pipeline.steps import Journal
from camwatch.scenes.hashes import sha256_of


@pytest.fixture
def run(tmp_path):
    """A small finished run: two outputs, one input outside."""
    folder = tmp_path / "run"
    scene = tmp_path / "scene.tif"
    scene.write_bytes(b"pixels")
    outputs = [write_json(folder / "verdicts.json", {"a": 1}), write_json(folder / "pairs" / "p" / "pair.json", {"b": 2.5})]
    write_manifest(folder, inputs={str(scene): sha256_of(scene)}, outputs=outputs, configuration={"seed": 1}, simulated=False)
    return folder


def test_a_hash_is_that_of_the_bytes(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert sha256_of(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_canonical_form_does_not_depend_on_the_order_of_keys():
    assert canonical({"b": 1, "a": [1.5, "회령"]}) == canonical({"a": [1.5, "회령"], "b": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})


def test_an_untouched_run_verifies(run):
    found = verify(run)
    assert (found.inputs, found.outputs, found.absent) == (1, 2, ())


@pytest.mark.parametrize("name", ["verdicts.json", "pairs/p/pair.json"])
def test_one_changed_byte_is_named(run, name):
    (run / name).write_text((run / name).read_text().replace("1", "2").replace("2.5", "2.6"))
    with pytest.raises(CustodyError, match=name):
        verify(run)


def test_a_missing_output_is_named(run):
    (run / "verdicts.json").unlink()
    with pytest.raises(CustodyError, match=r"verdicts\.json.*missing"):
        verify(run)


def test_an_added_file_is_named(run):
    (run / "report").mkdir()
    (run / "report" / "forged.png").write_bytes(b"x")
    with pytest.raises(CustodyError, match=r"forged\.png"):
        verify(run)


def test_a_changed_input_is_named_and_an_absent_one_is_told(run, tmp_path):
    (tmp_path / "scene.tif").write_bytes(b"other")
    with pytest.raises(CustodyError, match=r"scene\.tif"):
        verify(run)
    (tmp_path / "scene.tif").unlink()
    assert verify(run).absent == (str(tmp_path / "scene.tif"),)


def test_a_folder_without_a_manifest_is_no_run(tmp_path):
    with pytest.raises(MissingInputError, match=MANIFEST):
        verify(tmp_path)


def test_nan_never_reaches_a_record(tmp_path):
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir()), "a refused record must leave nothing behind"


class Work:
    """A step that counts how often it is done."""

    def __init__(self, folder, name="out.json"):
        self.path, self.times = folder / name, 0

    def __call__(self):
        self.times += 1
        return [write_json(self.path, {"times": self.times})]


def test_a_step_is_done_once_and_again_when_what_it_depends_on_changed(tmp_path):
    work = Work(tmp_path)
    for depends, times in (({"a": 1}, 1), ({"a": 1}, 1), ({"a": 2}, 2), ({"a": 2}, 2)):
        Journal(tmp_path).step("s", depends, work)
        assert work.times == times


def test_a_step_whose_output_was_touched_or_lost_is_done_again(tmp_path):
    work = Work(tmp_path)
    Journal(tmp_path).step("s", 1, work)
    work.path.write_text("{}")
    Journal(tmp_path).step("s", 1, work)
    work.path.unlink()
    Journal(tmp_path).step("s", 1, work)
    assert work.times == 3


def test_a_step_that_was_killed_half_way_is_done_again(tmp_path):
    def killed():
        write_json(tmp_path / "out.json", {"half": True})
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Journal(tmp_path).step("s", 1, killed)
    journal = Journal(tmp_path)
    work = Work(tmp_path)
    journal.step("s", 1, work)
    assert (work.times, journal.done, journal.kept) == (1, ["s"], [])
    assert json.loads(work.path.read_text()) == {"times": 1}


def test_what_an_earlier_configuration_left_is_removed(tmp_path):
    first = Journal(tmp_path)
    first.step("old", 1, Work(tmp_path, "old.json"))
    first.step("kept", 1, Work(tmp_path, "kept.json"))
    second = Journal(tmp_path)
    second.step("kept", 1, Work(tmp_path, "kept.json"))
    second.forget_others()
    assert not (tmp_path / "old.json").exists()
    assert (tmp_path / "kept.json").exists()
    assert [p.name for p in second.outputs] == ["kept.json"]
