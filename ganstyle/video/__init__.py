"""Videos, animations and folders of frames, painted picture by picture."""

from ganstyle.video.stylize import (
    DEFAULT_SETTINGS,
    VideoProgress,
    VideoResult,
    VideoSettings,
    stylize_video,
)
from ganstyle.video.target import plan_target
from ganstyle.video.transition import write_transition

__all__ = [
    "DEFAULT_SETTINGS",
    "VideoProgress",
    "VideoResult",
    "VideoSettings",
    "plan_target",
    "stylize_video",
    "write_transition",
]
