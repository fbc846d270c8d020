package dev.come.text;

import java.util.Arrays;
import java.util.List;

/**
 * A corpus that has a name.
 *
 * @param name how {@code --calibration-dataset} and {@code --ppl-data} call it
 * @param hubDataset the data set of the hub that it is fetched from
 */
public record CorpusSummary(String name, String hubDataset) {
    /** All corpora. */
    public static List<CorpusSummary> all() {
        return Arrays.stream(NamedCorpus.values())
                .map(corpus -> new CorpusSummary(corpus.toString(), corpus.hubDataset())).toList();
    }
}
