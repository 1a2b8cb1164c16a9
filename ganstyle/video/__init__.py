"""Videos, animations and folders of frames, painted picture by picture."""

from ganstyle.video.stylize import (
    DEFAULT_SETTINGS,
    VideoProgress,
    VideoResult,
    VideoSettings,
    stylize_video,
)
from ganstyle.video.target import plan_target

__all__ = [
    "DEFAULT_SETTINGS",
    "VideoProgress",
    "VideoResult",
    "VideoSettings",
    "plan_target",
    "stylize_video",
]
