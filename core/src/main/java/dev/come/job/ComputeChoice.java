package dev.come.job;

/**
 * What a user asks for to compute with.
 *
 * @param dtype {@code --dtype}: auto, float32 or bfloat16
 * @param device {@code --device}: cpu, cuda or cuda:n
 * @param threads {@code --threads}
 * @param memory {@code --memory}: bytes of hidden states that are held in memory
 */
public record ComputeChoice(String dtype, String device, int threads, long memory) {}
