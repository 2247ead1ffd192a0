"""Voices and their use: conversion now, text to speech later."""
