"""Hundredfold: batch inference for scikit-learn models on AWS Step Functions and layered Lambda.

The modules beside this one are the domain and know nothing of AWS; `hundredfold.adapters` does.
"""
