package dev.come.calibration;

import dev.come.Progress;
import dev.come.calibration.LargeQuestion.Total;
import dev.come.calibration.Question.Forget;
import dev.come.calibration.Question.Header;
import dev.come.calibration.Question.Piece;
import dev.come.calibration.Question.Range;
import dev.come.failure.Opening;
import dev.come.stack.LayerStore;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Adds up the large sums of shards that lie elsewhere. As many shards as work beside each other answer at once and keep their sums;
 * these come piece by piece and are added in the order of the shards. So one whole sum is held here, and a few pieces.
 */
final class PieceByPiece<A extends Serializable, S extends LargeSums> {
    private final RemoteShards shards;
    private final LargeQuestion<A, S> question;
    private final List<A> said = new ArrayList<>();
    private @Nullable S total;

    PieceByPiece(RemoteShards shards, LargeQuestion<A, S> question) {
        this.shards = shards;
        this.question = question;
    }

    /** The sum over the shards that have some of the chunks, at least one; closed by the caller. */
    Total<A, S> sum(LayerStore store, Range chunks, Progress.Task task) {
        try (Opening opening = new Opening()) {
            opening.add(() -> {
                if (total != null) {
                    total.close();
                }
            });
            for (Range some : waves(chunks)) {
                add(store, some, task);
            }
            opening.done();
        }
        if (total == null) {
            throw new IllegalStateException(
                    "no shard has any of the chunks from " + chunks.from() + " to " + chunks.to());
        }
        return new Total<>(said, total);
    }

    /** The chunks of as many shards as work beside each other, and so on. */
    private List<Range> waves(Range chunks) {
        List<Range> asked = shards.ranges().stream().map(chunks::with).filter(range -> !range.isEmpty()).toList();
        List<Range> waves = new ArrayList<>();
        for (int first = 0; first < asked.size(); first += shards.parallel()) {
            int last = Math.min(asked.size(), first + shards.parallel()) - 1;
            waves.add(new Range(asked.get(first).from(), asked.get(last).to()));
        }
        return waves;
    }

    private void add(LayerStore store, Range some, Progress.Task task) {
        List<Header.Found<A>> headers = shards.ask(new Header<>(question), some, task);
        S sums = total == null ? question.nothing(store, headers.getFirst().said()) : total;
        total = sums;
        for (Header.Found<A> header : headers) {
            said.add(header.said());
            sums.add(header.numbers());
        }
        try (var _ = new PointerScope()) {
            List<Tensor> blocks = sums.blocks();
            for (int i = 0; i < blocks.size(); i++) {
                Tensor block = blocks.get(i);
                for (Numbers piece : shards.ask(new Piece(question, i), some, ShardedCalibration.NO_PROGRESS)) {
                    try (var _ = new PointerScope()) {
                        block.add_(piece.tensor(block));
                    }
                }
            }
        }
        shards.ask(new Forget(), some, ShardedCalibration.NO_PROGRESS);
    }
}
