"""Embeddings in this process: all-MiniLM-L6-v2 (384 dimensions), int8 weights, ONNX.

Rules, in order:

1. A vector is the mean of the token vectors, scaled to length one (as the model was trained).
2. Texts are encoded one at a time, by one thread each: a vector depends on its text alone, never on what it was
   batched with, and padding costs nothing. Long texts are faster so, and memory stays small.
3. The model reads 256 tokens; what comes after them is not seen.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops.errors import CannotAsk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSIONS = 384
MOST_TOKENS = 256
_FATAL = 4


class Encoder:
    """A loaded model."""

    def __init__(self, model: Path, tokenizer: Path) -> None:
        """Raises: CannotAsk EMBEDDED_MISSING."""
        # From 1.32 on, its mere import writes to the user's cache and looks up a host for usage data.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as error:
            raise CannotAsk(
                "EMBEDDED_MISSING",
                f"the engine of the embeddings is not installed: {error}",
                hint="install llmops with its extra `embedded`, then run `llmops setup embedded`",
            ) from error
        self._session = onnxruntime.InferenceSession(
            str(model), _options(onnxruntime), providers=["CPUExecutionProvider"]
        )
        self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str], *, workers: int = 1) -> NDArray[np.float32]:
        """Unit vectors, shape (len(texts), 384), float32."""
        import numpy as np

        if not texts:
            return np.zeros((0, DIMENSIONS), dtype=np.float32)
        with ThreadPoolExecutor(max_workers=workers) as pool:
            return np.stack(list(pool.map(self._encode_one, texts)))

    def _encode_one(self, text: str) -> NDArray[np.float32]:
        import numpy as np

        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        tokens: NDArray[np.float32] = self._session.run(None, inputs)[0][0]
        mean = tokens.mean(axis=0, dtype=np.float64)
        vector: NDArray[np.float32] = (mean / np.linalg.norm(mean)).astype(np.float32)
        return vector


def _options(onnxruntime: Any) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = _FATAL
    return options
