package dev.come.job;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.model.Positions;
import dev.come.text.PerplexityText;
import dev.come.text.TextSource;
import dev.come.text.WindowLength;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What perplexity is measured on.
 *
 * @param texts the texts ({@code --ppl-data}); may be none
 * @param length of a window ({@code --seqlen})
 * @param stride by how many tokens a window is further than the one before ({@code --stride}); absent: by its length
 * @param windows the text of how many windows side by side at most ({@code --ppl-windows})
 */
public record PerplexityOptions(List<TextSource> texts, WindowLength length, OptionalInt stride, int windows) {
    /** All windows of a text. */
    public static final int ALL_WINDOWS = Integer.MAX_VALUE;

    public PerplexityOptions {
        texts = List.copyOf(texts);
        if (windows < 1) {
            throw new UsageException("--ppl-windows is " + windows + ", but must be at least 1");
        }
        stride.ifPresent(step -> PerplexityText.requireStride(step, length.asked().orElse(WindowLength.USUAL)));
    }

    /** Windows side by side. */
    public PerplexityOptions(List<TextSource> texts, WindowLength length, int windows) {
        this(texts, length, OptionalInt.empty(), windows);
    }

    /** What is read on this machine. */
    Stream<Path> paths() {
        return texts.stream().flatMap(TextSource::paths);
    }

    /** What was asked for, for the record of a run that may be interrupted. */
    ObjectNode settings() {
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        ArrayNode names = settings.putArray("texts");
        texts.forEach(text -> names.add(text.dataset()));
        length.asked().ifPresent(tokens -> settings.put("seqlen", tokens));
        stride.ifPresent(tokens -> settings.put("stride", tokens));
        if (windows != ALL_WINDOWS) {
            settings.put("windows", windows);
        }
        return settings;
    }

    List<PerplexityText> read(OpenModel model, Progress progress) {
        return read(model, model.config().positions(), progress);
    }

    /** @param positions those of all models that are to see the same windows */
    List<PerplexityText> read(OpenModel model, Positions positions, Progress progress) {
        if (!texts.isEmpty()) {
            model.config().requireOutputProjection("Perplexities (--ppl-data)");
        }
        List<PerplexityText> read = new ArrayList<>();
        for (TextSource source : texts) {
            PerplexityText text = PerplexityText.read(source, length, stride, windows, model.tokenizer(), positions);
            text.facts().notes().forEach(progress::note);
            read.add(text);
        }
        return read;
    }
}
