"""Name the file when a picture cannot be decoded."""

import functools
import os


def mend_load_image() -> None:
    """Let ``LoadImageFromFile`` say which picture it could not decode.

    What upstream gets wrong: where the decoder gives nothing, it names the file; where
    the decoder fails, as OpenCV does for an empty file and Pillow for any that is no
    picture, the error passes without it, out of a worker and from among a million
    files.

    It falls away when an empty picture is reported by its name.
    """
    from mmcv.transforms import LoadImageFromFile

    if not _names_empty_picture(LoadImageFromFile):
        LoadImageFromFile.transform = _naming_the_file(LoadImageFromFile.transform)


def _names_empty_picture(kind: type) -> bool:
    try:
        kind().transform(dict(img_path=os.devnull))
    except Exception as error:
        return os.devnull in str(error)
    return False


def _naming_the_file(transform):
    @functools.wraps(transform)
    def transform_naming_the_file(self, results: dict) -> dict | None:
        try:
            return transform(self, results)
        except (AssertionError, MemoryError):  # upstream's own names the file
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.filename:
                raise  # it is not there, or may not be read
            # Upstream's own words, which a worker can hand on as text.
            raise AssertionError(
                f'failed to load image: {results["img_path"]}'
            ) from error

    return transform_naming_the_file
