"""Every form of image that is screened, and the reason for every one that is not."""

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps

from evenscreen.pipeline.decode import decode
from evenscreen.schemas.errors import Rejected
from evenscreen.schemas.reasons import Reason

Pixels = npt.NDArray[np.uint8]
PixelsOf = Callable[[bytes], Pixels]


def rejection(body: bytes, **limits: int) -> Rejected:
    with pytest.raises(Rejected) as caught:
        decode(body, **({"max_pixels": 10_000_000, "min_side": 8, "target_side": 224} | limits))
    return caught.value


def difference(pixels: Pixels, image: Image.Image) -> int:
    assert pixels.shape == (image.height, image.width, 3)
    assert pixels.dtype == np.uint8
    return int(np.abs(pixels.astype(int) - np.asarray(image).astype(int)).max())


@pytest.mark.parametrize(
    ("raster", "options", "levels"),
    [
        ("PNG", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("WEBP", {"quality": 95}, 16),
        ("JPEG", {"quality": 95}, 12),
        ("JPEG", {"quality": 95, "progressive": True}, 12),
    ],
)
def test_photo_comes_back(
    photo: Image.Image, make: Any, pixels_of: PixelsOf, raster: str, options: dict[str, Any], levels: int
) -> None:
    pixels = pixels_of(make.encoded(photo, raster, **options))
    assert difference(pixels, photo) <= levels
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable


@pytest.mark.parametrize("raster", ["PNG", "JPEG"])
@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_becomes_three_equal_channels(
    photo: Image.Image, make: Any, pixels_of: PixelsOf, raster: str, mode: str
) -> None:
    grey = photo.convert(mode)
    pixels = pixels_of(make.encoded(grey.convert("L") if raster == "JPEG" else grey, raster, quality=95))
    assert difference(pixels, grey.convert("RGB")) <= (0 if raster == "PNG" else 120)
    assert (pixels == pixels[..., :1]).all()


def test_cmyk_is_not_inverted(photo: Image.Image, make: Any, pixels_of: PixelsOf) -> None:
    assert difference(pixels_of(make.encoded(photo.convert("CMYK"), "JPEG", quality=95)), photo) <= 16


@pytest.mark.parametrize("raster", ["PNG", "WEBP"])
def test_transparent_parts_show_white(
    photo: Image.Image, make: Any, pixels_of: PixelsOf, raster: str
) -> None:
    alpha = Image.new("L", photo.size, 255)
    alpha.paste(0, (0, 0, 40, 60))
    alpha.paste(128, (40, 0, 60, 60))
    photo.putalpha(alpha)
    pixels = pixels_of(make.encoded(photo, raster, **({"lossless": True} if raster == "WEBP" else {})))
    assert (pixels[:, :40] == 255).all()
    white = Image.alpha_composite(Image.new("RGBA", photo.size, "white"), photo)
    assert difference(pixels, white.convert("RGB")) <= 1


def test_palette_with_a_transparent_colour_shows_white_there(make: Any, pixels_of: PixelsOf) -> None:
    image = Image.new("P", (40, 40), 1)
    image.putpalette([255, 0, 0, 0, 200, 0])
    image.paste(0, (0, 0, 20, 40))
    pixels = pixels_of(make.encoded(image, "PNG", transparency=0))
    assert (pixels[:, :20] == 255).all()
    assert (pixels[:, 20:] == (0, 200, 0)).all()


def test_sixteen_bit_grey_is_scaled_not_clipped(make: Any, pixels_of: PixelsOf) -> None:
    ramp = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    for body in (make.encoded(Image.fromarray(ramp), "PNG"), make.png16(ramp[..., None])):
        assert (pixels_of(body) == (ramp >> 8)[..., None]).all()


def test_sixteen_bit_colour_and_alpha_are_scaled_not_clipped(make: Any, pixels_of: PixelsOf) -> None:
    ramp = np.linspace(0, 65535, 64 * 64 * 3).astype(np.uint16).reshape(64, 64, 3)
    opaque = np.full((64, 64, 1), 65535, np.uint16)
    for body in (make.png16(ramp), make.png16(np.concatenate([ramp, opaque], axis=-1))):
        assert np.abs(pixels_of(body).astype(int) - ramp / 257).max() <= 1
    grey_alpha = np.concatenate([ramp[..., :1], opaque], axis=-1)
    assert np.abs(pixels_of(make.png16(grey_alpha)).astype(int) - ramp[..., :1] / 257).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("raster", ["JPEG", "PNG", "WEBP"])
def test_photo_is_turned_upright(
    photo: Image.Image, make: Any, pixels_of: PixelsOf, raster: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    body = make.encoded(photo, raster, exif=exif, quality=95)
    with Image.open(BytesIO(body)) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    assert upright.size == (photo.size if orientation < 5 else photo.size[::-1])
    assert difference(pixels_of(body), upright) == 0


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
@pytest.mark.parametrize(
    "exif", [b"Exif\0\0nonsense", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"Exif\0\0II*\0\xff\xff\xff\xff"]
)
def test_damaged_exif_costs_nothing(photo: Image.Image, make: Any, pixels_of: PixelsOf, exif: bytes) -> None:
    assert difference(pixels_of(make.encoded(photo, "JPEG", exif=exif, quality=95)), photo) <= 12


def test_embedded_profile_is_applied(make: Any, pixels_of: PixelsOf) -> None:
    skin = Image.new("RGB", (32, 32), (200, 140, 110))
    pixels = pixels_of(make.encoded(skin, "PNG", icc_profile=make.wide_gamut))
    # Adobe RGB (200, 140, 110) under D65: linearised, by both matrices, to sRGB's curve.
    assert np.abs(pixels[0, 0].astype(int) - (219, 140, 108)).max() <= 2
    assert (pixels == pixels[0, 0]).all()


def test_grey_profile_is_applied(make: Any, pixels_of: PixelsOf) -> None:
    linear = Image.new("L", (32, 32), 55)
    pixels = pixels_of(make.encoded(linear, "PNG", icc_profile=make.grey_profile))
    # 55 / 255 of linear light is about 128 in sRGB.
    assert np.abs(pixels.astype(int) - 128).max() <= 2


def test_profile_that_is_damaged_or_of_another_space_is_ignored(
    photo: Image.Image, make: Any, pixels_of: PixelsOf
) -> None:
    for profile in (b"nonsense", make.wide_gamut[:200], make.grey_profile, bytes(500)):
        assert difference(pixels_of(make.encoded(photo, "PNG", icc_profile=profile)), photo) == 0


def test_several_frames_never_become_one(photo: Image.Image, make: Any) -> None:
    others = [ImageOps.mirror(photo)]
    for raster in ("PNG", "WEBP"):
        error = rejection(make.encoded(photo, raster, save_all=True, append_images=others))
        assert (error.reason, error.detail) == (Reason.FORMAT_UNSUPPORTED, f"{raster} with several frames")


def test_jpeg_with_a_second_picture_behind_it_is_its_first(
    photo: Image.Image, make: Any, pixels_of: PixelsOf
) -> None:
    stereo = make.encoded(photo, "MPO", save_all=True, append_images=[ImageOps.mirror(photo)], quality=95)
    assert difference(pixels_of(stereo), photo) <= 12
    film = make.encoded(photo, "JPEG", quality=95) + b"ftypmp42\xff\xda\xff\xd8\xff" * 99
    assert difference(pixels_of(film), photo) <= 12


@pytest.mark.parametrize("raster", ["JPEG", "PNG", "WEBP"])
def test_pixels_are_counted_in_the_header_before_decoding(photo: Image.Image, make: Any, raster: str) -> None:
    body = make.encoded(photo, raster)
    error = rejection(body, max_pixels=80 * 60 - 1)
    assert (error.reason, error.detail) == (Reason.TOO_MANY_PIXELS, "80 x 60")
    assert decode(body, max_pixels=80 * 60, min_side=60, target_side=8).shape[2] == 3
    error = rejection(body, min_side=61)
    assert (error.reason, error.detail) == (Reason.TOO_SMALL, "80 x 60")


def test_header_that_promises_gigapixels_is_rejected_unallocated(make: Any) -> None:
    body = bytearray(make.encoded(Image.new("L", (64, 64)), "PNG"))
    header = body[12:16] + (2**30).to_bytes(4, "big") * 2 + body[24:29]
    body[8:33] = make.png_chunk(b"IHDR", bytes(header[4:]))
    assert rejection(bytes(body)).reason is Reason.TOO_MANY_PIXELS
    canvas = bytearray(make.encoded(Image.new("RGBA", (64, 64), "#0008"), "WEBP"))
    assert canvas[12:16] == b"VP8X"
    canvas[24:30] = b"\xff\xff\x00" * 2
    assert rejection(bytes(canvas)).reason is Reason.TOO_MANY_PIXELS


@pytest.mark.parametrize("raster", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("kept", [0.4, 0.9, 0.999])
def test_file_without_its_end_is_truncated(photo: Image.Image, make: Any, raster: str, kept: float) -> None:
    body = make.encoded(photo, raster, quality=95)
    short = body[: int(len(body) * kept)]
    assert rejection(short).reason is Reason.IMAGE_TRUNCATED


@pytest.mark.parametrize("kept", [0.4, 0.9])
def test_copy_that_stopped_in_a_file_of_full_length_is_truncated(
    photo: Image.Image, make: Any, kept: float
) -> None:
    body = make.encoded(photo, "JPEG", quality=95)
    assert rejection(body[: int(len(body) * kept)].ljust(len(body), b"\0")).reason is Reason.IMAGE_TRUNCATED


def test_damaged_data_are_corrupt(photo: Image.Image, make: Any) -> None:
    png = bytearray(make.encoded(photo, "PNG"))
    png[len(png) // 2] ^= 0x55
    webp = bytearray(make.encoded(photo, "WEBP"))
    webp[20:40] = bytes(20)
    jpeg = b"\xff\xd8\xff\xc0\x00\x02\xff\xd9"
    for body in (bytes(png), bytes(webp), jpeg):
        assert rejection(body).reason is Reason.IMAGE_CORRUPT


def test_palette_image_without_a_palette_is_corrupt(make: Any) -> None:
    body = make.encoded(Image.new("P", (40, 40)), "PNG")
    start, end = body.index(b"PLTE") - 4, body.index(b"IDAT") - 4
    assert rejection(body[:start] + body[end:]).reason is Reason.IMAGE_CORRUPT


@pytest.mark.parametrize("kind", [b"iCCP", b"zTXt"])
def test_compressed_chunk_that_swells_is_corrupt_not_memory(
    photo: Image.Image, make: Any, kind: bytes
) -> None:
    body = make.encoded(photo, "PNG")
    bomb = make.png_chunk(kind, b"name\0\0" + zlib.compress(bytes(100_000_000)))
    assert rejection(body[:33] + bomb + body[33:]).reason is Reason.IMAGE_CORRUPT


def test_large_jpeg_is_decoded_at_reduced_scale_close_to_the_full_one(make: Any) -> None:
    y, x = np.mgrid[0:960, 0:1280]
    waves = np.stack([np.sin(x / 40), np.cos(y / 30), np.sin((x + y) / 50)], axis=-1)
    large = Image.fromarray((waves * 100 + 128).astype(np.uint8))
    body = make.encoded(large, "JPEG", quality=95)
    reduced = decode(body, max_pixels=10**7, min_side=8, target_side=112)
    assert reduced.shape == (240, 320, 3)
    expected = large.resize((320, 240), Image.Resampling.BOX)
    assert difference(reduced, expected) <= 6
    assert decode(body, max_pixels=10**7, min_side=8, target_side=500).shape == (960, 1280, 3)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_large_image_of_any_format_is_reduced_close_to_the_full_one(
    make: Any, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    y, x = np.mgrid[0:960, 0:1280]
    waves = np.stack([np.sin(x / 40), np.cos(y / 30), np.sin((x + y) / 50)], axis=-1)
    large = Image.fromarray((waves * 100 + 128).astype(np.uint8)).convert(mode)
    body = make.encoded(large, "PNG")
    full = decode(body, max_pixels=10**7, min_side=8, target_side=112)
    monkeypatch.setattr("evenscreen.pipeline.decode.raster.LARGE_PIXELS", 1_000_000)
    reduced = decode(body, max_pixels=10**7, min_side=8, target_side=112)
    assert (full.shape, reduced.shape) == ((960, 1280, 3), (240, 320, 3))
    assert difference(reduced, Image.fromarray(full).resize((320, 240), Image.Resampling.BOX)) <= 1


def test_colour_that_means_transparent_is_not_averaged(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evenscreen.pipeline.decode.raster.LARGE_PIXELS", 1_000)
    image = Image.new("RGB", (80, 80), (10, 20, 30))
    body = make.encoded(image, "PNG", transparency=(10, 20, 30))
    assert (decode(body, max_pixels=10**7, min_side=8, target_side=10) == 255).all()


def test_large_image_takes_little_memory(make: Any, tmp_path: Path) -> None:
    side = 6000
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes((side * 3 + 1) * side), 1)
    chunks = [make.png_chunk(b"IHDR", header), make.png_chunk(b"IDAT", rows), make.png_chunk(b"IEND", b"")]
    path = tmp_path / "large.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    script = (
        "import sys, pathlib\n"
        "from evenscreen.pipeline.decode import decode\n"
        "body = pathlib.Path(sys.argv[1]).read_bytes()\n"
        "decode(body, max_pixels=10**8, min_side=8, target_side=224)\n"
        "status = pathlib.Path('/proc/self/status').read_text().split()\n"
        "print(status[status.index('VmHWM:') + 1])\n"
    )
    done = subprocess.run([sys.executable, "-c", script, path], cwd=tmp_path, capture_output=True, check=True)
    peak_bytes = int(done.stdout) * 1024
    assert peak_bytes < 8 * side * side, "one copy of the pixels is 4 bytes each; there is not room for two"


def test_threads_decode_alike(photo: Image.Image, make: Any, pixels_of: PixelsOf) -> None:
    bodies = [
        make.encoded(photo, "JPEG"),
        make.encoded(photo, "PNG", icc_profile=make.wide_gamut),
        make.encoded(photo.convert("L"), "PNG", icc_profile=make.grey_profile),
        make.encoded(photo, "WEBP"),
    ]
    alone = [pixels_of(body) for body in bodies]
    with ThreadPoolExecutor(8) as threads:
        for turn, pixels in enumerate(threads.map(pixels_of, bodies * 50)):
            assert (pixels == alone[turn % 4]).all()
