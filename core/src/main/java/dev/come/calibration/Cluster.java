package dev.come.calibration;

import dev.come.Progress;
import dev.come.run.ModelRecipe;
import dev.come.run.OtherMachines;
import dev.come.stack.LayerStore;

/** Machines that shards can lie on. */
public interface Cluster extends AutoCloseable {
    /** How progress is told that machines are taken; the name of the cluster follows. */
    String CONNECTING = "connecting to ";

    /**
     * Brings shards to the machines; each opens the model itself. They are closed by whoever asks for them.
     *
     * @param store makes the weights of trained layers, which the machines do not have; stays open as long as the shards
     */
    RemoteShards shards(Recipe recipe, LayerStore store);

    /**
     * Has the machines open a model, to do pieces of work with it.
     *
     * @param store as above
     * @param memory bytes of hidden states that each holds at most
     */
    OtherMachines with(ModelRecipe model, LayerStore store, long memory);

    /** Gives the machines back. */
    @Override
    void close();

    /** Knows how to reach a kind of cluster; found with {@link java.util.ServiceLoader}. */
    interface Provider {
        /**
         * Takes machines.
         *
         * @param progress is told of what takes long
         * @throws dev.come.UsageException if the name or a setting cannot be
         * @throws dev.come.FailedException if the cluster does not answer
         */
        Cluster connect(ClusterChoice choice, Progress progress);
    }
}
