package dev.come.evaluate;

import dev.come.run.Continuation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A long text, cut so that every token is predicted once. Each window predicts the number of tokens that the model
 * takes, after the one token before them. The last window has fewer left to predict, and sees correspondingly more
 * tokens before them.
 */
final class RollingWindows {
    private RollingWindows() {
    }

    /**
     * Cuts.
     *
     * @param prefix what stands before the first token
     * @param longest tokens that go through the model at once
     * @return none for a text without tokens
     */
    static List<Continuation> of(int[] ids, int prefix, int longest) {
        int[] all = IntStream.concat(IntStream.of(prefix), Arrays.stream(ids)).toArray();
        List<Continuation> windows = new ArrayList<>();
        for (int done = 0; done < ids.length;) {
            int predicted = Math.min(longest, ids.length - done);
            int end = done + predicted;
            int start = Math.max(0, end - longest);
            windows.add(new Continuation(Arrays.copyOfRange(all, start, end + 1), predicted));
            done = end;
        }
        return windows;
    }
}
