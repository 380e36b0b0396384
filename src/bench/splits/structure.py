"""What ties the rows of a table together: groups or twins that must not be parted, and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Structure:
    """The group, the time or the twins of each row; none where rows are independent, and never two."""

    group: npt.NDArray[np.int32] | None = None
    """(n_rows,): codes from 0."""
    time: npt.NDArray[np.float64] | None = None
    """(n_rows,): finite; what is larger is later."""
    twins: npt.NDArray[np.int32] | None = None
    """(n_rows,): codes, the same for rows that are equal in every feature and are not to be parted."""

    def of(self, rows: npt.NDArray[np.int64]) -> Structure:
        """Return the structure of these rows, in their order."""
        return Structure(
            None if self.group is None else self.group[rows],
            None if self.time is None else self.time[rows],
            None if self.twins is None else self.twins[rows],
        )


INDEPENDENT = Structure()
"""Rows that nothing ties together."""
