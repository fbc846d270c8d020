package dev.come.calibration;

import dev.come.Progress;
import dev.come.calibration.LargeQuestion.Total;
import dev.come.calibration.Question.Range;
import dev.come.model.LayerWeights;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerStore;
import java.io.Serializable;
import java.util.List;

/** Shards that lie on other machines, where layers are made whose weights those do not have. Called from one thread. */
public interface RemoteShards extends Shards {
    /** The chunks of each shard, by their numbers among all. */
    List<Range> ranges();

    /** Makes layers here. */
    LayerStore store();

    @Override
    default <A extends Serializable, S extends LargeSums> Total<A, S> sum(LargeQuestion<A, S> question, Range chunks,
            Progress.Task task) {
        return new PieceByPiece<>(this, question).sum(store(), chunks, task);
    }

    /**
     * Makes other weights of a layer known to all shards.
     *
     * @param node the layer before its weights were changed
     * @param position in its stack
     * @param weights in the types that the checkpoint stores
     * @return the recipe that shards know them by
     */
    Trained lend(LayerNode node, int position, LayerWeights weights);
}
