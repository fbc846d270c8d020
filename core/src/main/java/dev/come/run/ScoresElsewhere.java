package dev.come.run;

import dev.come.Progress;
import dev.come.run.Continuation.Score;
import dev.come.run.ContinuationScores.Batch;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntFunction;

/** {@link ContinuationScores} on other machines; batches do not depend on each other, so the scores are the same to the bit. */
public final class ScoresElsewhere implements Scorer {
    /** Batches of a piece: reading the layers for them takes little beside running them. */
    private static final int BATCHES = 8;

    private final OtherMachines machines;
    private final LayerStack stack;

    /** @param machines with the model; they stay open */
    public ScoresElsewhere(OtherMachines machines, LayerStack stack) {
        this.machines = machines;
        this.stack = stack;
    }

    @Override
    public long runs(Collection<Batch> batches) {
        return ContinuationScores.runs(batches, stack.size());
    }

    @Override
    public void score(List<Batch> batches, IntFunction<String> name, Progress.Task progress,
            Consumer<Map<Integer, List<Score>>> found) {
        // As many at once as keep all busy, and scores still come before long.
        int most = machines.parallel() * BATCHES * 4;
        for (int start = 0; start < batches.size(); start += most) {
            List<ScoringPiece> pieces = new ArrayList<>();
            int end = Math.min(batches.size(), start + most);
            int each = Math.clamp(Math.ceilDiv(end - start, machines.parallel()), 1, BATCHES);
            for (int from = start; from < end; from += each) {
                pieces.add(piece(batches.subList(from, Math.min(end, from + each)), name));
            }
            machines.each(pieces, progress, (scores, _) -> found.accept(scores));
        }
    }

    private ScoringPiece piece(List<Batch> batches, IntFunction<String> name) {
        HashMap<Integer, String> names = new HashMap<>();
        batches.forEach(batch -> batch.items().forEach(item -> names.put(item, name.apply(item))));
        return new ScoringPiece(stack, batches, names);
    }

    /**
     * Some batches.
     *
     * @param names what messages call the items
     */
    private record ScoringPiece(LayerStack stack, List<Batch> batches, HashMap<Integer, String> names)
            implements
                Piece<HashMap<Integer, List<Score>>> {
        ScoringPiece {
            batches = List.copyOf(batches);
        }

        @Override
        public HashMap<Integer, List<Score>> run(Place place, Progress.Task task) {
            HashMap<Integer, List<Score>> all = new HashMap<>();
            try (ContinuationScores scores = new ContinuationScores(place.store(), stack, place.compute(),
                    place.memory())) {
                scores.score(batches, item -> String.valueOf(names.get(item)), task, all::putAll);
            }
            return all;
        }
    }

    @Override
    public void close() {
        // the machines belong to somebody else
    }
}
