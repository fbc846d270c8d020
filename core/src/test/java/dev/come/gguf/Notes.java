package dev.come.gguf;

import dev.come.Progress;
import java.util.List;

/** Collects what is noted. */
record Notes(List<String> lines) implements Progress {
    @Override
    public Task begin(String what, long total, String unit) {
        return Progress.NONE.begin(what, total, unit);
    }

    @Override
    public void note(String line) {
        lines.add(line);
    }
}
