CREATE TABLE IF NOT EXISTS llama_bench (
  build_commit TEXT,
  n_prompt INTEGER
);

INSERT INTO llama_bench (build_commit, build_number, backends, model_type, model_size, model_n_params, n_ubatch, n_gpu_layers, flash_attn, n_prompt, n_gen, n_depth, avg_ns, stddev_ns, avg_ts, stddev_ts) VALUES ('8e672ef', '5930', 'Metal,BLAS', 'llama 7B Q4_0', '3825065984', '6738546688', '512', '99', '1', '512', '0', '0', '1280000000', '2000000', '400.000000', '0.600000');
INSERT INTO llama_bench (build_commit, build_number, backends, model_type, model_size, model_n_params, n_ubatch, n_gpu_layers, flash_attn, n_prompt, n_gen, n_depth, avg_ns, stddev_ns, avg_ts, stddev_ts) VALUES ('8e672ef', '5930', 'Metal,BLAS', 'llama 7B Q4_0', '3825065984', '6738546688', '512', '99', '1', '0', '128', '4096', '3200000000', '2000000', '40.000000', '0.100000');
