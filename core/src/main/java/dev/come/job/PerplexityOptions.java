package dev.come.job;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.text.PerplexityText;
import dev.come.text.TextSource;
import java.util.ArrayList;
import java.util.List;

/**
 * What perplexity is measured on.
 *
 * @param texts the texts ({@code --ppl-data}); may be none
 * @param sequenceLength tokens in a window ({@code --seqlen})
 * @param stride by how many tokens a window is further than the one before ({@code --stride})
 * @param windows the text of how many windows side by side at most ({@code --ppl-windows})
 */
public record PerplexityOptions(List<TextSource> texts, int sequenceLength, int stride, int windows) {
    /** All windows of a text. */
    public static final int ALL_WINDOWS = Integer.MAX_VALUE;

    public PerplexityOptions {
        texts = List.copyOf(texts);
        if (windows < 1) {
            throw new UsageException("--ppl-windows is " + windows + ", but must be at least 1");
        }
        if (stride != sequenceLength && (stride < 1 || stride > sequenceLength)) {
            throw new UsageException("--stride is " + stride + ", but must be from 1 to --seqlen, which is "
                    + sequenceLength);
        }
    }

    /** Windows side by side. */
    public PerplexityOptions(List<TextSource> texts, int sequenceLength, int windows) {
        this(texts, sequenceLength, sequenceLength, windows);
    }

    List<PerplexityText> read(OpenModel model, Progress progress) {
        List<PerplexityText> read = new ArrayList<>();
        for (TextSource source : texts) {
            PerplexityText text = PerplexityText.read(source, sequenceLength, stride, windows, model.tokenizer());
            model.tokenizer().requireBelow(model.config().vocabularySize(), text.windows());
            text.facts().notes().forEach(progress::note);
            read.add(text);
        }
        return read;
    }
}
